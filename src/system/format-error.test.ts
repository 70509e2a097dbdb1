import { createServer, type Server } from 'node:net'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type Behaviour, failure, things } from '../../test/system/journal.ts'
import { defineComponent, defineSystem } from './define-system.ts'
import { formatError } from './format-error.ts'
import { kind } from './kind.ts'
import { createSystem } from './lifecycle.ts'
import { SystemError } from './system-error.ts'

/** What a start of `a`, which `b` depends on, that behaves so is reported as. */
const reported = async (behaviour: Behaviour) =>
  formatError(await failure(things({ a: [], b: ['a'], c: ['b'] }, { a: behaviour }).system.start()))
const throwing = (error: unknown): Behaviour => ({ start: () => Promise.reject(error) })

it('the text of an error says who failed, the causes one to a line, and what was blocked', async () => {
  const deep = new Error('disk on fire')
  const cause = new Error('cannot open the journal', { cause: new Error('cannot map the file', { cause: deep }) })
  expect(await reported(throwing(cause))).toBe(
    [
      'the start of a failed: cannot open the journal (START_FAILED)',
      '  caused by cannot map the file',
      '  caused by disk on fire',
      '  not started because of it: b, c',
    ].join('\n'),
  )
})

it('ends a chain of causes that contains itself', async () => {
  const loop = new Error('loop')
  loop.cause = loop
  expect(await reported(throwing(loop))).toContain('failed: loop (START_FAILED)\n  not started')
})

it('shows no stack, except the place of a programming error', async () => {
  const wrong: Behaviour = {
    start: () => (undefined as unknown as { name: { name: string } }).name,
  }
  expect(await reported(wrong)).toMatch(/\n {2}at .*src\/system\/format-error\.test\.ts:\d+:\d+/)
  expect(await reported(throwing(new Error('wrong')))).not.toContain('.ts:')
})

it('reports the other failures as well', async () => {
  const { system } = things(
    { a: [], b: [], c: ['a'] },
    { a: throwing(new Error('one')), b: throwing(new Error('two')) },
  )
  expect(formatError(await failure(system.start()))).toBe(
    [
      'the start of a failed: one (START_FAILED)',
      '  not started because of it: c',
      'also: the start of b failed: two (START_FAILED)',
    ].join('\n'),
  )
})

it('reports every stop that failed', async () => {
  const stop = () => Promise.reject(new Error('stuck'))
  const { system } = things({ a: [], b: ['a'] }, { a: { stop }, b: { stop } })
  await system.start()
  expect(formatError(await failure(system.stop()))).toBe(
    'the stop of b failed: stuck (STOP_FAILED)\nthe stop of a failed: stuck (STOP_FAILED)',
  )
})

it('shows the problems of a config', () => {
  try {
    things({ a: ['b'] })
    expect.unreachable()
  } catch (error) {
    expect(formatError(error)).toContain("a.dependencies.on[0]\n  there is no component 'b'")
  }
})

describe('an error of zod', () => {
  const schema = z.object({
    PORT: z.coerce.number(),
    db: z.strictObject({ url: z.string() }),
    mode: z.string().or(z.null()),
  })
  const refuse = () => schema.parse({ PORT: 'x', db: { url: '', user: '' } })

  it('is formatted as the problems of a config are, with the place of the call', () => {
    let thrown: unknown
    try {
      refuse()
    } catch (error) {
      thrown = error
    }
    expect(formatError(thrown)).toMatch(
      new RegExp(
        [
          /^a schema refused 3 values \(ZodError\):\n\n/,
          /PORT\n {2}Invalid input: expected number, received NaN\n\n/,
          /db\.user\n {2}there is no 'user' here\n\n/,
          /mode\n {2}Invalid input: .*expected string.*; or .*expected null.*\n/,
          / {2}at refuse .*format-error\.test\.ts:\d+:\d+\)$/,
        ]
          .map(({ source }) => source)
          .join(''),
      ),
    )
  })

  it('is one line where a component throws it', async () => {
    const { system } = things({ a: [] }, { a: { start: refuse as never } })
    expect(formatError(await failure(system.start())).split('\n')[0]).toMatch(
      /^the start of a failed: PORT: Invalid input: .*NaN; db\.user: there is no 'user' here; mode: .* \(START_FAILED\)$/,
    )
  })
})

it.each([
  ['text', 'text'],
  [undefined, 'undefined was thrown'],
  [null, 'null was thrown'],
  [{}, 'an object without a message was thrown'],
  [new Error('plain'), 'plain'],
  [new Error(''), 'Error'],
  [new AggregateError([new Error('one'), new Error('two')]), 'AggregateError: one; two\nalso: one\nalso: two'],
])('the text of an error can be made from any thrown value: %s', (thrown, text) => {
  expect(formatError(thrown)).toBe(text)
})

const Listener = kind<Server>()('Listener')
const listener = defineComponent({
  provides: Listener,
  needs: {},
  config: z.object({ host: z.string().default('127.0.0.1'), tcp: z.object({ port: z.number() }) }),
  start: ({ host, tcp }) =>
    new Promise<Server>((resolve, reject) => {
      const server = createServer().once('error', reject)
      server.listen(tcp.port, host, () => resolve(server))
    }),
  stop: (server) => new Promise((resolve) => server.close(() => resolve())),
})
const listenerFailure = async (error: object | undefined, port = 0) => {
  const start = () => Promise.reject(Object.assign(new Error('failed'), error))
  const component = error === undefined ? listener : { ...listener, start }
  const config = defineSystem({ server: { component, config: { tcp: { port } } } })
  return formatError(await failure(createSystem(config).start()))
}

it('the text of an error says which setting moves a port that is taken', async () => {
  const first = createSystem(defineSystem({ server: { component: listener, config: { tcp: { port: 0 } } } }))
  await first.start()
  const { port } = first.map.server.address() as { port: number }
  expect((await listenerFailure(undefined, port)).split('\n')[1]).toBe(
    `  port ${port} on 127.0.0.1 is taken: another process listens there; ` +
      `change it with server.config.tcp.port or --set server.tcp.port=${port + 1}`,
  )
  await first.stop()
})

it.each([
  [
    { code: 'EACCES', syscall: 'listen', port: 80, address: '::' },
    'this process may not listen on port 80 on ::: ports below 1024 need privileges; ' +
      'change it with server.config.tcp.port or --set server.tcp.port=1024',
  ],
  [
    { code: 'EADDRNOTAVAIL', syscall: 'listen', port: 80, address: '127.0.0.1' },
    'this machine has no address 127.0.0.1; change it with server.config.host or --set server.host=127.0.0.1',
  ],
  [
    { code: 'EADDRINUSE', syscall: 'listen', port: -1, address: '/run/x' },
    '/run/x is taken: another process listens there',
  ],
  [{ code: 'ECONNREFUSED', syscall: 'connect', port: 9, address: '::1' }, 'nothing listens at port 9 on ::1: start it'],
  [{ code: 'ENOTFOUND', hostname: 'nats' }, 'the name nats is not known to the resolver'],
  [{ code: 'EMFILE' }, 'as many files and sockets open as it may: raise the limit (ulimit -n)'],
])('the text of an error says what to do about %o', async (error, hint) => {
  expect((await listenerFailure(error, 80)).split('\n')[1]).toContain(hint)
})

it.each([{ code: 'EACCES', syscall: 'open' }, { code: 'EADDRINUSE' }, { code: 'EPERM' }])(
  'has no advice on %o',
  async (error) => {
    expect(await listenerFailure(error)).toBe('the start of server failed: failed (START_FAILED)')
  },
)

it('names what could not be undone', () => {
  const undoErrors = [new SystemError('RESET_FAILED', 'the undo of server failed: it is gone')]
  const error = new SystemError('RESET_FAILED', 'the take of broker failed: no', { undoErrors })
  expect(formatError(error)).toBe(
    'the take of broker failed: no (RESET_FAILED)\nnot undone: the undo of server failed: it is gone (RESET_FAILED)',
  )
})
