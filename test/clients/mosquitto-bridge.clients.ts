/** A mosquitto that bridges to the broker, over TLS and with a password: topics of both directions. */

import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../helpers/eventually.ts'
import { RealClient } from '../helpers/mqtt-js.ts'
import { endPrograms, type Program, run } from '../smoke/program.ts'
import { describeClient, requirements } from './requirements.ts'
import { type ListenerName, SecuredBroker, USER } from './secured-broker.ts'

const BRIDGES = [
  { name: 'tls-311', listener: 'tls', version: 'mqttv311' },
  { name: 'tls-50', listener: 'tls', version: 'mqttv50' },
  { name: 'mutual-50', listener: 'mutualTls', version: 'mqttv50' },
] as const

let broker: SecuredBroker
let mosquitto: Program
let socket: string
const clients: RealClient[] = []

/** A bridge that sends `NAME/out/#` to the broker, where it is `from/NAME/out/#`, and takes `NAME/in/#` from there. */
const bridge = (name: string, listener: ListenerName, version: string): string[] => [
  ...[`connection ${name}`, `address 127.0.0.1:${broker.port(listener)}`, `bridge_protocol_version ${version}`],
  ...[`remote_username ${USER.name}`, `remote_password ${USER.password}`, `bridge_cafile ${broker.clientFiles.ca}`],
  ...(listener === 'mutualTls'
    ? [`bridge_certfile ${broker.clientFiles.cert}`, `bridge_keyfile ${broker.clientFiles.key}`]
    : []),
  ...[`remote_clientid ${name}`, 'restart_timeout 1'],
  ...[`topic ${name}/out/# out 2 "" from/`, `topic ${name}/in/# in 2`],
]

describeClient('A mosquitto bridge with a password', [requirements.mosquitto], () => {
  beforeAll(async () => {
    broker = await SecuredBroker.start()
    socket = `${broker.files.folder}/socket`
    const lines = [
      ...[`listener 0 ${socket}`, 'allow_anonymous true', 'user root', 'log_dest stdout', 'log_type all'],
      ...BRIDGES.flatMap(({ name, listener, version }) => bridge(name, listener, version)),
    ]
    mosquitto = run('stdbuf', ['-oL', 'mosquitto', '-c', broker.files.write('mosquitto.conf', lines.join('\n'))])
    await Promise.all(BRIDGES.map(({ name }) => mosquitto.line(new RegExp(`Received SUBACK from local\\.${name}$`))))
  })
  afterAll(async () => {
    for (const { mqtt } of clients) mqtt.end(true)
    await endPrograms()
    await broker?.stop()
  })

  const ours = () => RealClient.connect(broker.port('tcp'), 5, { username: USER.name, password: USER.password })
  const theirs = () => RealClient.connect(0, 4, { unixSocket: true, path: socket })

  test.each(BRIDGES)('$name carries messages in both directions at each QoS', async ({ name, listener }) => {
    expect(broker.peerOf(name)?.tls?.commonName).toBe(listener === 'mutualTls' ? 'device-1' : undefined)
    const [near, far] = await Promise.all([ours(), theirs()])
    clients.push(near, far)
    await near.mqtt.subscribeAsync(`from/${name}/out/#`, { qos: 2 })
    await far.mqtt.subscribeAsync(`${name}/in/#`, { qos: 2 })
    for (const qos of [0, 1, 2] as const) {
      await far.mqtt.publishAsync(`${name}/out/a`, `out ${qos}`, { qos })
      expect(await near.next()).toMatchObject({ topic: `from/${name}/out/a`, payload: `out ${qos}`, qos })
      await near.mqtt.publishAsync(`${name}/in/a`, `in ${qos}`, { qos })
      expect(await far.next()).toMatchObject({ topic: `${name}/in/a`, payload: `in ${qos}`, qos })
    }
  })

  test('gets what was published while it was away', async () => {
    const near = await ours()
    clients.push(near)
    const far = await theirs()
    clients.push(far)
    await far.mqtt.subscribeAsync('tls-311/in/#', { qos: 2 })
    const before = broker.linesAbout('tls-311').length
    broker.disconnect('tls-311')
    await near.mqtt.publishAsync('tls-311/in/away', 'kept', { qos: 1 })
    await eventually(() => expect(broker.linesAbout('tls-311').length).toBeGreaterThan(before + 1))
    expect(await far.next()).toMatchObject({ topic: 'tls-311/in/away', payload: 'kept' })
  })
})
