import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { type AnySystemConfig, defineComponent } from './define-system.ts'
import { hintFor } from './error-hint.ts'
import { kind } from './kind.ts'
import { createSystem } from './lifecycle.ts'
import type { SystemError } from './system-error.ts'

/** The error of a system whose component `server` has this config and does not start. */
const startError = async (config: object, cause: object): Promise<SystemError> => {
  const component = defineComponent({
    provides: kind<object>()('Thing'),
    needs: {},
    config: z.looseObject({}),
    start: () => Promise.reject(Object.assign(new Error('no'), cause)),
  })
  const system = createSystem({ server: { component, config } } as AnySystemConfig)
  return system.start().then(
    () => Promise.reject(new Error('it started')),
    (error: SystemError) => error,
  )
}
const hint = async (cause: object, config: object = {}): Promise<string | undefined> =>
  hintFor([cause], await startError(config, cause))

describe('the hint for an error of Node', () => {
  test.each<readonly [string, object, object, string]>([
    [
      'a port that is taken: the place of the value, and a port that may be free',
      { code: 'EADDRINUSE', port: 1883, address: '127.0.0.1' },
      { port: 1883 },
      'port 1883 on 127.0.0.1 is taken: another process listens there; change it with server.config.port or --set server.port=1884',
    ],
    [
      'the last port',
      { code: 'EADDRINUSE', port: 65_535 },
      { tcp: { port: 65_535 } },
      'port 65535 is taken: another process listens there; change it with server.config.tcp.port or --set server.tcp.port=1024',
    ],
    [
      'a socket in the file system',
      { code: 'EADDRINUSE', address: '/run/mqtt.sock' },
      { path: '/run/mqtt.sock' },
      '/run/mqtt.sock is taken: another process listens there; change it with server.config.path',
    ],
    [
      'a port that needs privileges',
      { code: 'EACCES', syscall: 'listen', port: 80 },
      { port: 80 },
      'this process may not listen on port 80: ports below 1024 need privileges; change it with server.config.port or --set server.port=1024',
    ],
    [
      'a port that another rule forbids, which no value of the config is',
      { code: 'EACCES', syscall: 'bind', port: 8080 },
      { port: 80, list: [8080], deep: { a: { b: { c: { d: { port: 8080 } } } } } },
      'this process may not listen on port 8080',
    ],
    [
      'an address of another machine',
      { code: 'EADDRNOTAVAIL', address: '192.0.2.1', port: 1883 },
      { host: '192.0.2.1' },
      'this machine has no address 192.0.2.1; change it with server.config.host or --set server.host=127.0.0.1',
    ],
    [
      'a name that does not exist',
      { code: 'ENOTFOUND', hostname: 'broker.invalid' },
      { host: 'broker.invalid' },
      'the name broker.invalid is not known to the resolver; change it with server.config.host',
    ],
    [
      'a server that does not run',
      { code: 'ECONNREFUSED', address: '127.0.0.1', port: 5432 },
      {},
      'nothing listens at port 5432 on 127.0.0.1: start it',
    ],
    [
      'too many open files',
      { code: 'EMFILE' },
      {},
      'this process has as many files and sockets open as it may: raise the limit (ulimit -n)',
    ],
  ])('%s', async (_what, cause, config, text) => {
    expect(await hint(cause, config)).toBe(text)
  })

  test.each([
    ['of a file that may not be read', { code: 'EACCES', syscall: 'open', address: '/etc/x' }],
    ['that is not about a port', { code: 'EADDRINUSE' }],
    ['that has no common cause', { code: 'ETIMEDOUT', port: 1883 }],
  ])('there is none for one %s', async (_what, cause) => {
    expect(await hint(cause)).toBeUndefined()
  })

  test('without a component, no value is named', () => {
    const cause = { code: 'EADDRINUSE', port: 1883 }
    expect(hintFor([cause], undefined)).toBe('port 1883 is taken: another process listens there')
    expect(hintFor(['a text', null, cause], undefined)).toContain('port 1883 is taken')
  })
})
