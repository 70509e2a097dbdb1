import { z } from 'zod'
import { Logger } from '../../src/kinds/logger.ts'
import { defineComponent } from '../../src/system/define-system.ts'
import { PinoLogger } from './pino-logger.ts'

/** Writes the log: coloured lines in a terminal, a JSON object to a line otherwise. */
export const logger = defineComponent({
  provides: Logger,
  needs: {},
  config: z.strictObject({
    level: z
      .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
      .default('info')
      .describe('The lowest level that is written.'),
    format: z
      .enum(['auto', 'pretty', 'json'])
      .default('auto')
      .describe('`pretty` is for people, `json` for programs; `auto` is `pretty` in a terminal and `json` otherwise.'),
    destination: z
      .string()
      .min(1)
      .default('stdout')
      .describe('`stdout`, `stderr`, or the path of a file, which is made with its folder and appended to.'),
    tailLines: z
      .int()
      .min(0)
      .max(1_000_000)
      .default(1_000)
      .describe('The last lines that are kept in memory for the admin API; 0 keeps none.'),
    tailCharacters: z
      .int()
      .min(0)
      .max(1_000_000_000)
      .default(1_000_000)
      .describe('Characters of these lines together. The oldest lines are dropped beyond it.'),
  }),
  describe: ({ level, destination }) => `${level} to ${destination}`,
  start: (config) => PinoLogger.open(config),
  adjust: (instance, config) => instance.adjust(config),
  stop: (instance) => instance.close(),
})
