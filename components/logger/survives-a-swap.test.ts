import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { survivesASwap } from '../../test/contract/survives-a-swap.ts'
import { lifecycleContext } from '../../test/helpers/lifecycle-context.ts'
import { textFiles } from '../../test/helpers/text-files.ts'
import { logger } from './index.ts'
import type { PinoLogger } from './pino-logger.ts'

const pathOf = textFiles({})
const context = lifecycleContext('logger')
const config = { destination: pathOf('a'), tailLines: 3, tailCharacters: 10_000 }
const texts = (log: PinoLogger) => log.tail?.lines().map(({ number, json }) => [number, JSON.parse(json).msg])

survivesASwap<PinoLogger, object>('logger', {
  component: logger,
  config,
  others: [
    { ...config, level: 'debug' },
    { ...config, destination: pathOf('b') },
    { ...config, format: 'pretty', tailLines: 2 },
    { ...config, tailLines: 0 },
    { ...config, tailCharacters: 150 },
  ],
  dependencies: () => ({}),
  history: [
    (log) => log.info({}, 'one'),
    (log) => log.child({ component: 'x' }).debug({}, 'two'),
    (log) => log.info({}, 'three'),
    (log) => log.info({}, 'four'),
    (log) => log.warn({}, 'five'),
  ],
  observe: (log) => [log.level, texts(log), log.tail?.last],
})

const adjusted = async (log: PinoLogger, more: object) => {
  const change = await logger.adjust!(log, logger.config.parse({ ...config, ...more }), {}, context)
  change.commit()
  await change.done?.()
}

it('writes to the other file, from child loggers that were made before too, and has closed the first one', async () => {
  const log = await logger.start(logger.config.parse({ destination: pathOf('first') }), {}, context)
  const child = log.child({ component: 'x' })
  child.info({}, 'one')
  await adjusted(log, { destination: pathOf('second'), format: 'pretty', level: 'debug' })
  child.debug({}, 'two')
  await log.close()
  expect(await readFile(pathOf('first'), 'utf8')).toMatch(/^\{.*"msg":"one"\}\n$/)
  expect(await readFile(pathOf('second'), 'utf8')).toMatch(/^\[.*\] DEBUG: \[x\] two\n$/)
})

it('keeps a level that was assigned, unless the config has another one than before', async () => {
  const log = await logger.start(logger.config.parse(config), {}, context)
  log.level = 'trace'
  await adjusted(log, { tailLines: 5 })
  expect(log.level).toBe('trace')
  await adjusted(log, { level: 'warn' })
  expect(log.level).toBe('warn')
  await log.close()
})

it('keeps in its tail what was logged between an adjustment and its undoing', async () => {
  const log = await logger.start(logger.config.parse(config), {}, context)
  for (const text of ['one', 'two', 'three']) log.info({}, text)
  const change = await logger.adjust!(log, logger.config.parse({ ...config, tailLines: 1 }), {}, context)
  change.commit()
  log.info({}, 'four')
  expect(texts(log)).toEqual([[4, 'four']])
  change.undo()
  expect(texts(log)).toEqual([
    [2, 'two'],
    [3, 'three'],
    [4, 'four'],
  ])
  await log.close()
})
