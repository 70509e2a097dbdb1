/** A broker that stops while its clients send more than it can handle. */

import { connect, type Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, expect, it } from 'vitest'
import type { LocalBroker } from '../../components/broker/local-broker.ts'
import type { MqttHandler } from '../../components/mqtt-handler/mqtt-handler.ts'
import { packetBytes } from '../helpers/packet-bytes.ts'
import { quietSystem, startBroker } from '../helpers/start-broker.ts'

const sockets: Socket[] = []
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy()
})

const CONNECT = (n: number) => packetBytes(`10 @ "MQTT" 04 02 0000 "flood-${n}"`)
const repeat = (times: number, packet: string) => Buffer.concat(Array(times).fill(packetBytes(packet)))
const filters = Array.from({ length: 500 }, (_, n) => `"f/${n}/+" 01`).join(' ')

const FLOODS = {
  'PINGREQ that is not answered in time': repeat(50_000, 'c0 00'),
  'PUBLISH at QoS 1': repeat(5_000, '32 @ "f/1/x" 0001 "payload"'),
  'SUBSCRIBE with many filters': repeat(20, `82 @ 0001 ${filters}`),
}

it.each(Object.entries(FLOODS))('stops in the middle of a flood of %s, and nothing is left', async (_, flood) => {
  const broker = await startBroker({
    ...quietSystem,
    server: { ...quietSystem.server, config: { ...quietSystem.server.config, turnWorkUnits: 2_000 } },
  })
  const { core } = broker.map.broker as LocalBroker
  const handler = broker.map.mqttHandler as MqttHandler
  const { server } = broker.map
  for (let n = 0; n < 30; n += 1) {
    const socket = connect(broker.port, '127.0.0.1')
    socket.on('error', () => undefined)
    // Some peers read, some end their side, and some reset the connection.
    if (n % 3 === 0) socket.resume()
    socket.write(CONNECT(n))
    socket.write(flood, () => {
      if (n % 3 === 1) socket.end()
      else if (n % 5 === 0) socket.resetAndDestroy()
    })
    sockets.push(socket)
  }
  while (handler.clients.size < 20) await nextTurn()
  for (let turn = 0; turn < 50; turn += 1) await nextTurn()
  const stopped = broker.stop()
  for (const [n, socket] of sockets.entries()) if (n % 3 !== 0) socket.resume()
  await stopped
  const { queuedBytes, willBytes, subscriptionBytes, unreleasedBytes } = core.gauges
  expect([queuedBytes, willBytes, subscriptionBytes, unreleasedBytes]).toEqual([0, 0, 0, 0])
  expect([server.connections, handler.clients.size, core.scheduler.waiting]).toEqual([0, 0, 0])
  expect([core.sessions.count, core.endedSessions.count, core.router.subscriptions]).toEqual([0, 0, 0])
})
