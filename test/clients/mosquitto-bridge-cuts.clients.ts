/** A mosquitto that bridges to the broker, over a connection that is cut again and again under load. */

import { afterAll, beforeAll, expect, test } from 'vitest'
import { BridgeTraffic } from '../helpers/bridge-traffic.ts'
import { TestFiles } from '../helpers/certificates.ts'
import { CutProxy } from '../helpers/cut-proxy.ts'
import { eventually } from '../helpers/eventually.ts'
import { RealClient } from '../helpers/mqtt-js.ts'
import { type Broker, startBroker } from '../helpers/start-broker.ts'
import { endPrograms, run } from '../smoke/program.ts'
import { describeClient, requirements } from './requirements.ts'

const CUTS = 20
// The default of mosquitto. With MQTT 5 its bridge (2.0.11) sends no Session Expiry Interval: its session ends with each connection.
const VERSIONS = ['mqttv311'] as const

let broker: Broker
let proxy: CutProxy
let files: TestFiles
let socket: string
const clients: RealClient[] = []

const bridge = (version: string): string[] => [
  ...[`connection ${version}`, `address 127.0.0.1:${proxy.port}`, `bridge_protocol_version ${version}`],
  ...[`remote_clientid ${version}`, 'restart_timeout 1', 'try_private false', 'notifications false'],
  ...[`topic # out 2 ${version}/up/ up/${version}/`, `topic # in 2 ${version}/down/ down/${version}/`],
]

describeClient('A mosquitto bridge whose connection is cut', [requirements.mosquitto], () => {
  beforeAll(async () => {
    broker = await startBroker()
    proxy = await CutProxy.start(broker.port)
    files = new TestFiles()
    socket = `${files.folder}/socket`
    const lines = [
      ...[`listener 0 ${socket}`, 'allow_anonymous true', 'user root', 'log_dest stdout', 'log_type all'],
      ...['max_queued_messages 0', ...VERSIONS.flatMap(bridge)],
    ]
    const mosquitto = run('stdbuf', ['-oL', 'mosquitto', '-c', files.write('mosquitto.conf', lines.join('\n'))])
    await mosquitto.line(/running$/)
  })
  afterAll(async () => {
    for (const { mqtt } of clients) mqtt.end(true)
    await endPrograms()
    await proxy?.stop()
    await broker?.stop()
    files?.remove()
  })

  const ours = () => kept(RealClient.connect(broker.port, 5))
  const theirs = () => kept(RealClient.connect(0, 5, { unixSocket: true, path: socket }))
  const kept = async (connecting: Promise<RealClient>): Promise<RealClient> => {
    const client = await connecting
    clients.push(client)
    return client
  }
  const isConnected = (id: string): Promise<void> =>
    eventually(() => expect(broker.map.broker.client(id)?.session.subscriptions).toHaveLength(1), 20)

  /** Messages of both directions over the bridge of a version. */
  const trafficOf = async (version: string) => {
    const [near, nearPublisher] = [await ours(), await ours()]
    const [far, farPublisher] = [await theirs(), await theirs()]
    await near.mqtt.subscribeAsync(`up/${version}/#`, { qos: 2 })
    await far.mqtt.subscribeAsync(`${version}/down/#`, { qos: 2 })
    await isConnected(version)
    const up = new BridgeTraffic(farPublisher, near, `${version}/up`)
    return [up, new BridgeTraffic(nearPublisher, far, `down/${version}`)]
  }

  test('loses nothing, and brings QoS 2 once', async () => {
    const traffic = (await Promise.all(VERSIONS.map(trafficOf))).flat()
    for (let cuts = 0; cuts < CUTS; cuts += 1) {
      const before = traffic.map(({ published }) => published)
      const publishing = traffic.map((each) => each.publishSome(40))
      const newest = () => Math.min(...traffic.map(({ published }, index) => published - before[index]!))
      await eventually(() => expect(newest()).toBeGreaterThan(5), 1)
      expect(proxy.cut()).toBeGreaterThan(0)
      await Promise.all(publishing)
      await Promise.all(VERSIONS.map(isConnected))
    }
    await Promise.all(traffic.map((each) => each.receiveAll()))
    expect(proxy.connections).toBeGreaterThan(CUTS)
    expect(traffic.flatMap(({ twice }) => twice)).toEqual([])
  })
})
