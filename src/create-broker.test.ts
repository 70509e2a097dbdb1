import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectAsync, type MqttClient } from 'mqtt'
import { afterEach, describe, expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import { memoryStore } from '../components/store-memory/index.ts'
import system from '../system.config.ts'
import { type BrokerOptions, createBroker, type EmbeddedBroker } from './create-broker.ts'
import type { Listener } from './kinds/listener.ts'
import { Logger } from './kinds/logger.ts'
import { defineComponent, defineSystem } from './system/define-system.ts'
import { only } from './system/only.ts'

const brokers: EmbeddedBroker<unknown>[] = []
const clients: MqttClient[] = []
afterEach(async () => {
  for (const client of clients.splice(0)) client.end(true)
  await Promise.all(brokers.splice(0).map((broker) => broker.close()))
})

const start = async (options: BrokerOptions = {}) => {
  const broker = await createBroker({ port: 0, log: 'silent', ...options })
  brokers.push(broker)
  return broker
}
const connect = async (port: number, clientId = 'client') => {
  const client = await connectAsync({ host: '127.0.0.1', port, clientId, reconnectPeriod: 0 })
  clients.push(client)
  return client
}
/** What a client receives next. */
const received = (client: MqttClient): Promise<string> =>
  new Promise((resolve) => client.once('message', (topic, payload) => resolve(`${topic} ${payload}`)))

describe('createBroker', () => {
  it('starts a broker that clients of the network and the program share', async () => {
    const broker = await start()
    const client = await connect(broker.port)
    await client.subscribeAsync('to/client')
    const atClient = received(client)
    expect(broker.publish('to/client', 'from the program')).toMatchObject({ subscribers: 1 })
    expect(await atClient).toBe('to/client from the program')

    const heard: string[] = []
    const end = broker.subscribe('to/+', ({ topic, payload }) => heard.push(`${topic} ${payload}`))
    await client.publishAsync('to/program', 'from the client', { qos: 1 })
    expect(heard).toEqual(['to/program from the client'])
    end()
    await client.publishAsync('to/program', 'again', { qos: 1 })
    expect(heard).toHaveLength(1)
  })

  it('lists clients and retained messages, and reaches all else through broker and system', async () => {
    const broker = await start()
    await connect(broker.port, 'kitchen')
    expect(broker.clients().map(({ id }) => id)).toEqual(['kitchen'])
    broker.publish('a/1', Buffer.from('one'), { retain: true, qos: 1 })
    broker.publish('a/2', 'two', { retain: true })
    broker.publish('b', '', { retain: true })
    expect(broker.retained().map(({ topic, qos }) => [topic, qos])).toEqual([
      ['a/1', 1],
      ['a/2', 0],
    ])
    expect(broker.retained('a/#', 1)).toHaveLength(1)
    expect(broker.broker.disconnect('kitchen')).toBe(true)
    expect(broker.system.map.server.port).toBe(broker.port)
  })

  it('runs several in one process, each with its own state', async () => {
    const [one, two] = [await start(), await start()]
    expect(one.port).not.toBe(two.port)
    one.publish('a', 'of one', { retain: true })
    await connect(two.port)
    expect([one.retained().length, two.retained().length]).toEqual([1, 0])
    expect([one.clients().length, two.clients().length]).toEqual([0, 1])
    await one.close()
    expect(two.publish('a', 'still')).toMatchObject({ subscribers: 0 })
  })

  it('closes the connections and the port, once, and answers nothing afterwards', async () => {
    const broker = await start()
    const client = await connect(broker.port)
    const closed = new Promise((resolve) => client.once('close', () => resolve(undefined)))
    expect(broker.close()).toBe(broker.close())
    await broker.close()
    await closed
    const notRunning = expect.objectContaining({ code: 'NOT_RUNNING' })
    expect(() => broker.publish('a')).toThrow(notRunning)
    expect(() => broker.broker).toThrow(notRunning)
    const again = await start({ port: broker.port })
    expect(again.port).toBe(broker.port)
  })

  it('is closed by await using', async () => {
    let closed: EmbeddedBroker
    {
      await using broker = await createBroker({ port: 0, log: 'silent' })
      closed = broker
      expect(broker.clients()).toEqual([])
    }
    expect(closed.system.state).toBe('stopped')
  })

  it('listens at the given address, and at 127.0.0.1 by default', async () => {
    expect((await start()).host).toBe('127.0.0.1')
    expect((await start({ host: '127.0.0.2' })).host).toBe('127.0.0.2')
  })

  it('leaves nothing behind when the port is taken', async () => {
    const { port } = await start()
    await expect(createBroker({ port, log: 'silent' })).rejects.toMatchObject({ code: 'START_FAILED' })
  })

  it('installs no handlers of signals and errors on the process', async () => {
    const names = ['SIGINT', 'SIGTERM', 'SIGHUP', 'uncaughtException', 'unhandledRejection']
    const counts = () => names.map((name) => process.listenerCount(name))
    const before = counts()
    const broker = await start()
    expect(counts()).toEqual(before)
    await broker.close()
  })
})

describe('the values of createBroker', () => {
  it('are those of the system of the package, with a log of warnings', async () => {
    const broker = await createBroker({ port: 0 })
    brokers.push(broker)
    const { logger, server } = broker.system.config
    expect([logger.config, server.config]).toEqual([{ level: 'warn' }, { host: '127.0.0.1', port: 0 }])
    expect(broker.system.map.logger.level).toBe('warn')
  })

  it('go to components by the names of their entries, beside the values that are there', async () => {
    const broker = await start({ config: { server: { maximumConnections: 7 }, router: undefined } as never })
    expect(broker.system.config.server.config).toEqual({ host: '127.0.0.1', port: 0, maximumConnections: 7 })
  })

  it('data names the directory of the state; without it the state is in memory, also with the store of the package in a system', async () => {
    const data = mkdtempSync(join(tmpdir(), 'create-broker-'))
    try {
      for (const retained of [0, 1]) {
        const broker = await createBroker({ port: 0, log: 'silent', data })
        expect(broker.retained()).toHaveLength(retained)
        broker.publish('x', 'kept', { retain: true })
        await broker.close()
      }
      const broker = await start({ system: { ...system } })
      expect(broker.system.config.store.component).toBe(memoryStore)
    } finally {
      rmSync(data, { recursive: true })
    }
  })

  it('switch a component on that is off in the system, so that no rule is passed over in silence', async () => {
    const rules = [{ action: 'publish' as const, filter: 'secret/#', allow: false }]
    const broker = await start({ config: { topicRules: { rules, default: 'allow' } } })
    const client = await connect(broker.port)
    const heard: string[] = []
    broker.subscribe('#', ({ topic }) => heard.push(topic))
    await client.publishAsync('secret/a', 'x', { qos: 1 })
    await client.publishAsync('open', 'x', { qos: 1 })
    expect(heard).toEqual(['open'])
    // The program itself is not asked.
    broker.publish('secret/a')
    expect(heard).toEqual(['open', 'secret/a'])
  })

  it('are checked: wrong names and values are refused before anything starts', async () => {
    const refused = (options: object) => createBroker({ port: 0, log: 'silent', ...options } as BrokerOptions)
    await expect(refused({ prot: 1 })).rejects.toThrow("createBroker has no option 'prot'; did you mean 'port'?")
    await expect(refused({ path: 1 })).rejects.toThrow("there are 'port', 'host', 'log', 'data', 'config' and 'system'")
    await expect(refused({ config: { sever: {} } })).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    await expect(refused({ config: { sever: {} } })).rejects.toThrow("no component 'sever'; did you mean 'server'?")
    await expect(refused({ config: { server: { prot: 1 } } })).rejects.toThrow("there is no 'prot' here")
    await expect(refused({ port: -1 })).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  })

  it('have the types of the components', () => {
    expectTypeOf<BrokerOptions['config']>().toExtend<object | undefined>()
    type Server = NonNullable<NonNullable<BrokerOptions['config']>['server']>
    expectTypeOf<Server['maximumConnections']>().toEqualTypeOf<number | undefined>()
    expectTypeOf<EmbeddedBroker['system']['map']['server']>().toEqualTypeOf<Listener>()
  })
})

describe('a system config of your own', () => {
  it('replaces the system of the package, with its own log', async () => {
    const lines: string[] = []
    const line = (_details: object, message: string) => void lines.push(message)
    const own: Logger = {
      ...{ trace: line, debug: line, info: line, warn: line, error: line, level: 'info' },
      isLevelEnabled: () => true,
      child: () => own,
    }
    const component = defineComponent({ provides: Logger, needs: {}, config: z.strictObject({}), start: () => own })
    const broker = await createBroker({ port: 0, system: defineSystem({ ...system, logger: { component } }) })
    brokers.push(broker)
    await connect(broker.port)
    expect(lines.some((each) => each.startsWith('Client connected'))).toBe(true)
    expect(broker.system.config.logger.config).toBeUndefined()
  })

  it('needs a broker, and one listener for a port', async () => {
    await expect(createBroker({ system: only(system, 'router') })).rejects.toThrow(
      'createBroker needs one enabled component that provides Broker; this system has none',
    )
    const two = { ...system, second: { ...system.server, config: { port: 0 } } }
    await expect(createBroker({ port: 0, system: two })).rejects.toThrow(
      "port needs one enabled component that provides Listener; this system has 'server' and 'second'",
    )
  })
})
