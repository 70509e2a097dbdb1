/** MQTT.js 3, 4 and 5 on every listener, and with the options that zigbee2mqtt gives it. */

import { on, once } from 'node:events'
import { readFileSync } from 'node:fs'
import mqtt5, { type IClientOptions, type MqttClient } from 'mqtt'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { installFromNpm, type NpmFolder, UNREACHABLE_REGISTRY } from './npm-clients.ts'
import { type ListenerName, SecuredBroker, USER } from './secured-broker.ts'

/** The part of the interface that all versions have. */
interface Library {
  connect(url: string, options: IClientOptions): MqttClient
}

const LISTENERS: readonly ListenerName[] = ['tcp', 'tls', 'mutualTls', 'ws', 'wss']

let broker: SecuredBroker
let folder: NpmFolder | undefined
const clients: MqttClient[] = []
beforeAll(async () => {
  broker = await SecuredBroker.start()
  folder = await installFromNpm('mqtt3@npm:mqtt@3', 'mqtt4@npm:mqtt@4')
})
afterEach(() => {
  for (const client of clients.splice(0)) client.end(true)
})
afterAll(async () => {
  folder?.remove()
  await broker?.stop()
})

const optionsOf = (listener: ListenerName): IClientOptions => {
  const { ca, cert, key } = broker.clientFiles
  return {
    username: USER.name,
    password: USER.password,
    reconnectPeriod: 0,
    ...(listener === 'tcp' || listener === 'ws' ? {} : { ca: readFileSync(ca) }),
    ...(listener === 'mutualTls' ? { cert: readFileSync(cert), key: readFileSync(key) } : {}),
  }
}

const connect = async (library: Library, url: string, options: IClientOptions): Promise<MqttClient> => {
  const client = library.connect(url, options)
  clients.push(client)
  await once(client as never, 'connect')
  return client
}

/** Publishes to itself at each QoS. @returns what arrived. MQTT.js 3 and 4 have callbacks alone. */
const roundTrip = (client: MqttClient, topic: string): Promise<string[]> =>
  new Promise((done, failed) => {
    const received: string[] = []
    client.on('error', failed)
    client.on('message', (name, payload, { qos }) => {
      received.push(`${name} ${qos} ${payload}`)
      if (received.length === 3) done(received)
    })
    client.subscribe(topic, { qos: 2 }, (error) => {
      if (error) failed(error)
      for (const qos of [0, 1, 2] as const) client.publish(topic, `at ${qos}`, { qos })
    })
  })

const PROTOCOL_IDS = { 3: 'MQIsdp', 4: 'MQTT', 5: 'MQTT' } as const
const TRANSPORTS = { tcp: 'tcp', tls: 'tls', mutualTls: 'tls', ws: 'ws', wss: 'wss' } as const

const testLibrary = (name: string, load: () => Library | undefined): void => {
  const versions = [3, 4, 5] as const
  const cases = LISTENERS.flatMap((listener) => versions.map((version) => ({ listener, version })))
  const optionsFor = (listener: ListenerName, version: 3 | 4 | 5) => ({
    ...optionsOf(listener),
    protocolVersion: version,
    protocolId: PROTOCOL_IDS[version],
    clientId: `${name}-${listener}-${version}`,
  })

  test.for(cases)(
    'publishes and receives over $listener, version $version',
    async ({ listener, version }, { skip }) => {
      const library = load() ?? skip(UNREACHABLE_REGISTRY)
      const options = optionsFor(listener, version)
      const client = await connect(library, broker.url(listener), options)
      const topic = `clients/${options.clientId}`
      expect((await roundTrip(client, topic)).sort()).toEqual([0, 1, 2].map((qos) => `${topic} ${qos} at ${qos}`))
      const peer = broker.peerOf(options.clientId)
      expect(peer?.transport).toBe(TRANSPORTS[listener])
      expect(peer?.tls?.commonName).toBe(listener === 'mutualTls' ? 'device-1' : undefined)
    },
  )

  test.for(versions)('is told that the password is wrong, version %s', async (version, { skip }) => {
    const library = load() ?? skip(UNREACHABLE_REGISTRY)
    const options = { ...optionsFor('tls', version), password: 'wrong' }
    await expect(connect(library, broker.url('tls'), options)).rejects.toMatchObject({ code: version === 5 ? 0x86 : 4 })
  })
}

describe('MQTT.js 5', () => testLibrary('mqtt5', () => mqtt5))
describe('MQTT.js 4', () => testLibrary('mqtt4', () => folder?.load('mqtt4')))
describe('MQTT.js 3', () => testLibrary('mqtt3', () => folder?.load('mqtt3')))

describe('zigbee2mqtt', () => {
  /** The section `mqtt` of its configuration.yaml. */
  const settings = () => ({
    base_topic: 'zigbee2mqtt',
    server: broker.url('tls'),
    user: USER.name,
    password: USER.password,
    client_id: 'z2m',
    ca: broker.clientFiles.ca,
    keepalive: 60,
    version: 5 as const,
  })

  /** The options that zigbee2mqtt makes of its settings for MQTT.js. */
  const optionsOfSettings = ({ base_topic: base, ...mqtt }: ReturnType<typeof settings>): IClientOptions => ({
    will: { topic: `${base}/bridge/state`, payload: Buffer.from('{"state":"offline"}'), retain: true, qos: 1 },
    protocolVersion: mqtt.version,
    keepalive: mqtt.keepalive,
    ca: readFileSync(mqtt.ca),
    username: mqtt.user,
    password: mqtt.password,
    clientId: mqtt.client_id,
  })

  const messagesOf = (client: MqttClient) => {
    const arrived = on(client as never, 'message')
    return async () => {
      const { value } = (await arrived.next()) as { value: [string, Buffer] }
      return [value[0], value[1].toString()]
    }
  }

  test('works with user, password, CA and version 5: state, Will, device topics, discovery', async () => {
    const bridge = await connect(mqtt5, settings().server, optionsOfSettings(settings()))
    const home = await connect(mqtt5, broker.url('tcp'), { ...optionsOf('tcp'), protocolVersion: 4 })
    const [atBridge, atHome] = [messagesOf(bridge), messagesOf(home)]
    await bridge.subscribeAsync('zigbee2mqtt/#')
    await bridge.publishAsync('zigbee2mqtt/bridge/state', '{"state":"online"}', { qos: 0, retain: true })
    expect(await atBridge()).toEqual(['zigbee2mqtt/bridge/state', '{"state":"online"}'])
    await bridge.publishAsync('homeassistant/light/0x1/light/config', '{"schema":"json"}', { qos: 1, retain: true })
    await home.subscribeAsync(['homeassistant/#', 'zigbee2mqtt/bridge/state'], { qos: 0 })
    expect([await atHome(), await atHome()].sort()).toEqual([
      ['homeassistant/light/0x1/light/config', '{"schema":"json"}'],
      ['zigbee2mqtt/bridge/state', '{"state":"online"}'],
    ])
    await home.publishAsync('zigbee2mqtt/lamp/set', '{"state":"ON"}')
    expect(await atBridge()).toEqual(['zigbee2mqtt/lamp/set', '{"state":"ON"}'])
    bridge.stream.destroy()
    expect(await atHome()).toEqual(['zigbee2mqtt/bridge/state', '{"state":"offline"}'])
  })
})
