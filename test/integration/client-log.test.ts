/** What the log says of clients, over real sockets; components/mqtt-handler/client-log.test.ts has the cases one by one. */

import { afterEach, beforeEach, expect, it } from 'vitest'
import { z } from 'zod'
import { Logger } from '../../src/kinds/logger.ts'
import { defineComponent } from '../../src/system/define-system.ts'
import { eventually } from '../helpers/eventually.ts'
import { packetBytes } from '../helpers/packet-bytes.ts'
import { RawClient } from '../helpers/raw-client.ts'
import { RecordingLogger } from '../helpers/recording-logger.ts'
import { type Broker, quietSystem, startBroker } from '../helpers/start-broker.ts'

let log: RecordingLogger
let broker: Broker
const clients: RawClient[] = []
beforeEach(async () => {
  log = new RecordingLogger()
  const component = defineComponent({ provides: Logger, needs: {}, config: z.strictObject({}), start: () => log })
  broker = await startBroker({ ...quietSystem, logger: { component } })
})
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy()
  await broker.stop()
})

const open = async () => {
  const client = await RawClient.connect(broker.port)
  clients.push(client)
  const { localAddress, localPort } = client.socket
  return { client, remote: `${localAddress}:${localPort}` }
}
const connected = async () => {
  const opened = await open()
  opened.client.send(packetBytes('10 @ "MQTT" 05 06 003c [] "kitchen" [] "alarm" <00>').toString('hex'))
  await opened.client.packet()
  return opened
}
/** Waits for the line that says how a connection ended. */
const ending = (remote: string) =>
  eventually(() => {
    const line = log.lines.find((one) => one['remote'] === remote && one['why'] !== undefined)
    if (line === undefined) throw new Error('no line yet')
    return line
  })

it('tells a client that closed its side from one that reset the connection', async () => {
  const orderly = await connected()
  orderly.client.socket.end()
  expect(await ending(orderly.remote)).toMatchObject({ level: 'info', client: 'kitchen', closedBy: 'client' })
  const crashed = await connected()
  crashed.client.socket.resetAndDestroy()
  expect(await ending(crashed.remote)).toMatchObject({
    level: 'info',
    client: 'kitchen',
    closedBy: 'network',
    will: 'published',
    message: expect.stringContaining('network connection reset by the client'),
  })
})

it('the log does not mention a health check that sends nothing, unless asked for details', async () => {
  const ended = await open()
  ended.client.socket.end()
  expect(await ending(ended.remote)).toMatchObject({ level: 'debug' })
  const reset = await open()
  reset.client.socket.resetAndDestroy()
  await eventually(() => expect(broker.map.server.connections).toBe(0))
  // One that is gone before it was accepted has no address any more.
  const lines = log.lines.filter(({ level, why }) => level !== 'debug' && why !== undefined)
  expect(lines).toEqual([])
})

it.each([
  ['TLS', '16030100c8010000c40303'],
  ['HTTP or WebSocket', Buffer.from('GET / HTTP/1.1\r\n\r\n').toString('hex')],
  ['a PROXY protocol header', Buffer.from('PROXY TCP4 192.0.2.7 192.0.2.1 5123 1883\r\n').toString('hex')],
])('the log says of a peer that speaks no MQTT that it looks like %s', async (protocol, hex) => {
  const { client, remote } = await open()
  client.send(hex)
  expect(await ending(remote)).toMatchObject({
    level: 'warn',
    message: expect.stringContaining(`The first bytes look like ${protocol}.`),
  })
})

it.each([
  ['too large', '10 ffffff03 "MQTT" 04 02 003c "kitchen"', 'Packet too large (0x95)'],
  ['malformed behind its identifier', '10 @ "MQTT" 04 1e 003c "kitchen" "a" <00>', 'Malformed Packet (0x81)'],
])('names a client whose CONNECT is %s', async (_, notation, reason) => {
  const { client, remote } = await open()
  client.send(packetBytes(notation).toString('hex'))
  expect(await ending(remote)).toMatchObject({ level: 'warn', client: 'kitchen', reason })
})

it('warns of a client that is cut off because it reads too slowly', async () => {
  const { remote } = await connected()
  const handler = broker.map.mqttHandler as unknown as { clients: Set<{ connection: { cutOff(why: string): void } }> }
  for (const { connection } of handler.clients) connection.cutOff('it read too slowly')
  expect(await ending(remote)).toMatchObject({ level: 'warn', client: 'kitchen', closedBy: 'broker' })
})
