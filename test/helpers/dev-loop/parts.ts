/** The components that test/integration/dev-loop.slow.test.ts runs from a copy of this file three folders below the root. */

import { createServer } from 'node:net'
import { z } from 'zod'
import { defineComponent } from '../../../src/system/define-system.ts'
import { kind } from '../../../src/system/kind.ts'

interface Listening {
  readonly port: number
  readonly connections: number
  readonly greeting: string
  close(): Promise<void>
}

const Logger = kind<{ level: string }>()('Logger')
const Listener = kind<Listening>()('Listener')

const say = (text: string): void => {
  process.stdout.write(`${text}\n`)
}

export const log = defineComponent({
  provides: Logger,
  needs: {},
  config: z.strictObject({ level: z.string().default('info') }),
  describe: ({ level }) => level,
  start: ({ level }) => ({ level }),
  stop: () => say('log stopped'),
})

export const server = defineComponent({
  provides: Listener,
  needs: { log: Logger },
  config: z.strictObject({
    host: z.string().default('127.0.0.1'),
    port: z.number().default(0),
    hang: z.enum(['start', 'stop']).optional(),
    fail: z.enum(['stop', 'throw', 'reject', 'leak', 'talk', 'late throw', 'refresh']).optional(),
  }),
  describe: ({ host, port }) => `${host}:${port}`,
  start: async ({ host, port, hang, fail }, _dependencies, { signal }) => {
    say('server starts')
    if (hang === 'start') {
      await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    }
    const listener = createServer().listen(port, host)
    await new Promise<void>((resolve, reject) => listener.once('listening', resolve).once('error', reject))
    if (fail === 'throw') setImmediate(() => misbehave())
    if (fail === 'reject') setImmediate(() => Promise.reject(new Error('rejected')))
    if (fail === 'leak') setInterval(() => {}, 1_000)
    if (fail === 'talk') setInterval(() => say('talk'), 1)
    process.stdout.on('error', () => process.stderr.write('nobody listens\n'))
    return {
      port: (listener.address() as { port: number }).port,
      connections: 0,
      greeting: 'one',
      refreshes: { count: 0, fail: fail === 'refresh' },
      close: async () => {
        if (hang === 'stop') await new Promise(() => {})
        await new Promise((resolve) => listener.close(resolve))
        if (fail === 'late throw') {
          setImmediate(() => misbehave())
          await new Promise((resolve) => process.once('uncaughtException', resolve))
        }
        say('server stopped')
        if (fail === 'stop') throw new Error('cannot stop')
      },
    }
  },
  refresh: ({ refreshes }) => {
    if (refreshes.fail) throw new Error('line 3 is bad')
    refreshes.count += 1
    return refreshes.count === 1 ? '3 users, 1 added' : undefined
  },
  stop: (instance) => instance.close(),
})

const misbehave = (): never => {
  throw new Error('thrown')
}
