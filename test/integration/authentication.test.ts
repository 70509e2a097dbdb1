import { connectAsync } from 'mqtt'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { tcp } from '../../components/tcp/index.ts'
import { DEFAULT_LISTENER_OPTIONS, type ListenerOptions } from '../../src/kinds/listener-options.ts'
import { Transport } from '../../src/kinds/transport.ts'
import { defineComponent } from '../../src/system/define-system.ts'
import { createSystem } from '../../src/system/lifecycle.ts'
import { ControlledAuthenticator } from '../helpers/controlled-authenticator.ts'
import { packetBytes } from '../helpers/packet-bytes.ts'
import { RawClient } from '../helpers/raw-client.ts'
import { type Broker, quietSystem, startBroker } from '../helpers/start-broker.ts'
import { withAuthenticators } from '../helpers/with-authenticators.ts'

let broker: Broker | undefined
let users: ControlledAuthenticator
beforeEach(() => {
  users = new ControlledAuthenticator('users', { ann: 'pencil', bob: 'eraser' })
})
afterEach(async () => {
  await broker?.stop()
  broker = undefined
})

const start = async (...more: ControlledAuthenticator[]) => {
  broker = await startBroker({ ...quietSystem, ...withAuthenticators(users, ...more) })
  return broker
}
const connect = (port: number, options: object) =>
  connectAsync({ host: '127.0.0.1', port, reconnectPeriod: 0, clientId: 'kitchen', ...options })

describe('user name and password', () => {
  it.each([3, 4, 5] as const)('let in a client of version %i, and only the right ones', async (protocolVersion) => {
    const { port, map } = await start()
    const protocol = { protocolVersion, ...(protocolVersion === 3 ? { protocolId: 'MQIsdp' } : {}) }
    const client = await connect(port, { ...protocol, username: 'ann', password: 'pencil' })
    expect(map.broker.client('kitchen')?.userName).toBe('ann')
    await client.publishAsync('a', 'x', { qos: 1 })
    await client.endAsync()
    for (const password of ['wrong', '', undefined]) {
      await expect(connect(port, { ...protocol, username: 'ann', password })).rejects.toMatchObject({
        code: protocolVersion === 5 ? 0x86 : 4,
      })
    }
    await expect(connect(port, protocol)).rejects.toMatchObject({ code: protocolVersion === 5 ? 0x87 : 5 })
    expect(map.server.counters.failedAuthentications).toBe(3)
  })

  it('are checked before anything that the client has sent behind CONNECT is read', async () => {
    users.isSlow = true
    const { port, map } = await start()
    const client = await RawClient.connect(port)
    const packets = ['10 @ "MQTT" 04 c2 0000 "kitchen" "ann" "pencil"', '82 @ 0001 "a" 00', 'c0 00']
    client.socket.write(Buffer.concat(packets.map(packetBytes)))
    await expect.poll(() => users.pending.length).toBe(1)
    expect([...map.broker.sessions()]).toEqual([])
    users.pending[0]!.answer({ result: 'allow', userName: 'ann' })
    expect(await client.receive(11)).toBe('20020000' + '9003000100' + 'd000')
    client.destroy()
  })

  it('are checked for each listener by its own authenticators', async () => {
    const devices = new ControlledAuthenticator('devices', { lamp: 'light' })
    const listener = (config: Partial<ListenerOptions>) => ({
      component: tcp,
      config: { port: 0, ...config },
      dependencies: { logger: 'logger' },
    })
    const system = createSystem({
      ...quietSystem,
      ...withAuthenticators(users, devices),
      server: { ...quietSystem.server, config: { ...quietSystem.server.config, authenticators: ['users'] } },
      local: listener({ authenticators: [] }),
      both: listener({ allowAnonymous: true }),
    } as object)
    await system.start()
    const map = system.map as unknown as Record<string, { readonly port: number }>
    const isLetIn = async (name: string, options: object) => {
      const client = await connect(map[name]!.port, { clientId: undefined, ...options }).catch(() => undefined)
      await client?.endAsync()
      return client !== undefined
    }
    const logins = [{ username: 'ann', password: 'pencil' }, { username: 'lamp', password: 'light' }, {}]
    const answers: Record<string, boolean[]> = {}
    for (const name of ['server', 'local', 'both']) {
      answers[name] = []
      for (const login of logins) answers[name].push(await isLetIn(name, login))
    }
    await system.stop()
    expect(answers).toEqual({ server: [true, false, false], local: [true, true, true], both: [true, true, true] })
  })

  it('that are revoked end the connection at once', async () => {
    const { port } = await start()
    const [ann, bob] = [
      await connect(port, { protocolVersion: 5, username: 'ann', password: 'pencil' }),
      await connect(port, { protocolVersion: 5, clientId: 'hall', username: 'bob', password: 'eraser' }),
    ]
    const gone = new Promise((resolve) => ann.once('disconnect', resolve))
    users.revoke('ann')
    expect(await gone).toMatchObject({ cmd: 'disconnect', reasonCode: 0x87 })
    await bob.publishAsync('a', 'x', { qos: 1 })
    await bob.endAsync()
    ann.end(true)
  })

  it('are counted by authenticator and result', async () => {
    const system = createSystem({ ...quietSystem, ...withAuthenticators(users) } as object)
    await system.start()
    const { port } = (system.map as unknown as { readonly server: { readonly port: number } }).server
    await (await connect(port, { username: 'ann', password: 'pencil' })).endAsync()
    await connect(port, { username: 'ann', password: 'wrong' }).catch(() => undefined)
    const numbers = system
      .measures()
      .filter(({ measure }) => measure.name === 'authenticated')
      .map(({ measure: { labels, read } }) => [labels?.['result'], read()])
    await system.stop()
    expect(Object.fromEntries(numbers)).toEqual({ allowed: 1, denied: 1, passed: 0, failed: 0, revoked: 0 })
  })
})

describe('a listener on an open address', () => {
  /** A listener that binds nothing: a test opens nothing to the network. */
  const openListener = (options: Partial<ListenerOptions> = {}) =>
    defineComponent({
      provides: Transport,
      needs: {},
      config: z.strictObject({}),
      start: (_config, _dependencies, { name }): Transport => ({
        name,
        transport: 'tcp',
        address: '0.0.0.0:1883',
        isLocal: false,
        adoptable: true,
        options: { ...DEFAULT_LISTENER_OPTIONS, ...options },
        serve: () => undefined,
        hold: () => undefined,
      }),
    })
  const startWith = async (options: Partial<ListenerOptions>, entries: object = {}) => {
    broker = await startBroker({ ...quietSystem, lan: { component: openListener(options) }, ...entries })
  }

  it('does not start without an authenticator, and says what would do', async () => {
    await expect(startWith({})).rejects.toThrow(
      /lan is not opened on 0\.0\.0\.0:1883: .*Either add an authenticator .*, or listen on 127\.0\.0\.1, or set allowAnonymous: true/,
    )
    await expect(startWith({ authenticators: [] }, withAuthenticators(users))).rejects.toThrow(/lan is not opened/)
  })

  it('starts with an authenticator, with an authentication method, or when the config lets everyone in', async () => {
    await startWith({}, withAuthenticators(users))
    await broker?.stop()
    await startWith({}, { scramSha256: { ...quietSystem.scramSha256, enabled: true } })
    await broker?.stop()
    await startWith({ allowAnonymous: true })
  })

  it('does not start with an authenticator that is not there', async () => {
    await expect(startWith({ authenticators: ['user'] }, withAuthenticators(users))).rejects.toThrow(
      'lan.authenticators names user, but the handler has users.',
    )
  })

  it('leaves nothing behind when it is refused: the port of the server is free again', async () => {
    const { port } = await start()
    await broker?.stop()
    const taken = { server: { ...quietSystem.server, config: { port } } }
    await expect(startWith({}, taken)).rejects.toThrow('lan is not opened')
    await startWith({ allowAnonymous: true }, taken)
    expect(broker?.port).toBe(port)
  })
})
