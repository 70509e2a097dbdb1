import mqtt, { type MqttClient } from 'mqtt'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { broker } from '../../components/broker/index.ts'
import { logger } from '../../components/logger/index.ts'
import { mqttDecoder } from '../../components/mqtt-decoder/index.ts'
import { mqttEncoder } from '../../components/mqtt-encoder/index.ts'
import { mqttHandler } from '../../components/mqtt-handler/index.ts'
import { packetLog } from '../../components/packet-log/index.ts'
import { router } from '../../components/router/index.ts'
import { server } from '../../components/server/index.ts'
import { memoryStore } from '../../components/store-memory/index.ts'
import { tls } from '../../components/tls/index.ts'
import { createSystem, type System } from '../../src/system/lifecycle.ts'
import { TestFiles, testCertificates } from '../helpers/certificates.ts'

/** An entry of a config, as the tests change it. */
interface Entry {
  readonly component: object
  readonly config?: object
  readonly dependencies?: Readonly<Record<string, string | readonly string[]>>
}
type Config = Readonly<Record<string, Entry>>

const files = new TestFiles()
afterAll(() => files.remove())

describe('clients of a system that gets another config', () => {
  let system: System
  const clients: MqttClient[] = []
  const ends: string[] = []
  afterEach(async () => {
    for (const client of clients.splice(0)) client.end(true)
    await system.stop()
    ends.length = 0
  })

  const baseConfig = async (): Promise<Config> => {
    const certificates = await testCertificates()
    const pipeline = ['mqttDecoder', 'mqttHandler', 'mqttEncoder']
    return {
      logger: { component: logger, config: { level: 'error' } },
      router: { component: router },
      store: { component: memoryStore, dependencies: { logger: 'logger' } },
      broker: {
        component: broker,
        dependencies: { router: 'router', store: 'store', authorizers: [], logger: 'logger' },
      },
      mqttDecoder: { component: mqttDecoder },
      mqttHandler: {
        component: mqttHandler,
        dependencies: { broker: 'broker', authenticators: [], authenticationMethods: [], logger: 'logger' },
      },
      mqttEncoder: { component: mqttEncoder },
      tls: {
        component: tls,
        config: { port: 0, ...files.pair('server', certificates.server) },
        dependencies: { logger: 'logger' },
      },
      server: { component: server, config: { port: 0 }, dependencies: { pipeline, logger: 'logger' } },
    }
  }
  const changedIn = (config: Config, name: string, changes: Partial<Entry>): Config => ({
    ...config,
    [name]: { ...config[name]!, ...changes },
  })
  const piped = (config: Config, ...pipeline: string[]): Config =>
    changedIn(config, 'server', { dependencies: { pipeline, logger: 'logger' } })
  const port = (name: string): number => (system.map as unknown as Record<string, { port: number }>)[name]!.port
  const connect = async (url: string, more: object = {}) => {
    const client = await mqtt.connectAsync(url, { reconnectPeriod: 0, protocolVersion: 5, ...more })
    client.on('close', () => ends.push(url.slice(0, url.indexOf(':'))))
    clients.push(client)
    return client
  }

  /** A publisher over TCP and a subscriber over TLS. @returns sends a message at QoS 2 and waits for it. */
  const start = async (config: Config) => {
    system = createSystem(config as never) as unknown as System
    await system.start()
    const { authority } = await testCertificates()
    const publisher = await connect(`mqtt://127.0.0.1:${port('server')}`)
    const subscriber = await connect(`mqtts://127.0.0.1:${port('tls')}`, {
      ca: authority.cert,
      servername: 'localhost',
      host: '127.0.0.1',
    })
    const received: string[] = []
    subscriber.on('message', (_topic: string, payload: Buffer) => received.push(payload.toString()))
    await subscriber.subscribeAsync('a', { qos: 2 })
    let sent = 0
    return async () => {
      sent += 1
      await publisher.publishAsync('a', String(sent), { qos: 2 })
      await expect.poll(() => received).toEqual(Array.from({ length: sent }, (_, index) => String(index + 1)))
    }
  }
  const verdictsOf = async (config: Config) => {
    const { parts } = await system.apply(config, { keep: 'all' })
    return Object.fromEntries(
      parts.filter(({ verdict }) => verdict !== 'keep').map(({ name, verdict }) => [name, verdict]),
    )
  }

  it('notice nothing of other values, other stages and other code of the stages', async () => {
    const config = await baseConfig()
    const exchange = await start(config)
    await exchange()
    expect(await verdictsOf(changedIn(config, 'server', { config: { port: 0, maximumConnections: 7 } }))).toEqual({
      server: 'adjust',
    })
    await exchange()
    const logged: Config = { ...config, packetLog: { component: packetLog, dependencies: { logger: 'logger' } } }
    const place = ['mqttDecoder', 'packetLog', 'mqttHandler', 'mqttEncoder']
    expect(await verdictsOf(piped(logged, ...place))).toEqual({ packetLog: 'start', server: 'adjust' })
    await exchange()
    expect(await verdictsOf(config)).toEqual({ packetLog: 'stop', server: 'adjust' })
    await exchange()
    const edited = (name: string): Config => changedIn(config, name, { component: { ...config[name]!.component } })
    expect(await verdictsOf(edited('mqttHandler'))).toEqual({ mqttHandler: 'swap', server: 'adjust' })
    await exchange()
    expect(await verdictsOf(edited('mqttDecoder'))).toMatchObject({ mqttDecoder: 'swap', server: 'adjust' })
    await exchange()
    expect(ends).toEqual([])
  })

  it('keep their connections when the options of their listener change, or another port is bound', async () => {
    const config = await baseConfig()
    const exchange = await start(config)
    const changed = changedIn(config, 'tls', { config: { ...config['tls']!.config, mountPoint: 'site/' } })
    expect(await verdictsOf(changed)).toEqual({ tls: 'adjust' })
    await exchange()
    const before = port('server')
    expect(await verdictsOf(changedIn(changed, 'server', { config: { port: 0, backlog: 12 } }))).toEqual({
      server: 'adjust',
    })
    expect(port('server')).toBe(before)
    await exchange()
    await expect(verdictsOf(changedIn(config, 'server', { config: { port: port('tls') } }))).rejects.toThrow(
      'EADDRINUSE',
    )
    await exchange()
    expect(ends).toEqual([])
  })

  it('of a listener that is removed lose their connections, and all others keep them', async () => {
    const { tls: removed, ...config } = await baseConfig()
    await start({ ...config, tls: removed! })
    expect(await verdictsOf(config)).toEqual({ server: 'adjust', tls: 'stop' })
    await expect.poll(() => ends).toEqual(['mqtts'])
    expect(clients[0]!.connected).toBe(true)
  })
})
