/** MQTT.js 3, 4 and 5 on every listener, and with the options that zigbee2mqtt gives it. */

import { once } from 'node:events'
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

const testLibrary = (name: string, load: () => Library | undefined, versions: readonly (3 | 4 | 5)[]): void => {
  const cases = LISTENERS.flatMap((listener) => versions.map((version) => ({ listener, version })))
  const protocol = (version: 3 | 4 | 5) => ({
    protocolVersion: version,
    protocolId: version === 3 ? 'MQIsdp' : 'MQTT',
  }) as const

  test.each(cases)('publishes and receives over $listener, version $version', async ({ listener, version }) => {
    const options = { ...optionsOf(listener), ...protocol(version), clientId: `${name}-${listener}-${version}` }
    const client = await connect(load()!, broker.url(listener), options)
    const topic = `clients/${options.clientId}`
    expect((await roundTrip(client, topic)).sort()).toEqual([0, 1, 2].map((qos) => `${topic} ${qos} at ${qos}`))
    const peer = broker.peerOf(options.clientId)
    expect(peer?.transport).toBe({ tcp: 'tcp', tls: 'tls', mutualTls: 'tls', ws: 'ws', wss: 'wss' }[listener])
    expect(peer?.tls?.commonName).toBe(listener === 'mutualTls' ? 'device-1' : undefined)
  })

  test.each(versions)('is told that the password is wrong, version %s', async (version) => {
    const options = { ...optionsOf('tls'), ...protocol(version), password: 'wrong' }
    await expect(connect(load()!, broker.url('tls'), options)).rejects.toMatchObject({ code: version === 5 ? 0x86 : 4 })
  })
}

describe('MQTT.js 5', () => testLibrary('mqtt-js-5', () => mqtt5, [3, 4, 5]))

describe.each(['mqtt3', 'mqtt4'] as const)('MQTT.js 3 and 4: %s', (name) => {
  beforeAll((context) => {
    void context
  })
  testLibrary(name, () => folder?.load<Library>(name), [3, 4, 5])
})
