/** Two TCP listeners: each is sent what the other has read, into memory that is used again. */

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { parser } from 'mqtt-packet'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { tcp } from '../../components/tcp/index.ts'
import { packetBytes } from '../helpers/packet-bytes.ts'
import { type Broker, quietSystem, startBroker } from '../helpers/start-broker.ts'

let broker: Broker
beforeEach(async () => {
  broker = await startBroker({
    ...quietSystem,
    other: { component: tcp, config: { port: 0 }, dependencies: { logger: 'logger' } },
  })
})
afterEach(() => broker.stop())

const connected = async (port: number, id: string): Promise<Socket> => {
  const socket = connect(port, '127.0.0.1')
  socket.write(packetBytes(`10 @ "MQTT" 04 02 0000 "${id}"`))
  await once(socket, 'data')
  return socket
}

it('a slow peer of one listener gets every byte as it was sent to the other', async () => {
  const { port } = (broker.map as Record<string, unknown>)['other'] as { readonly port: number }
  const subscriber = await connected(port, 'subscriber')
  subscriber.write(packetBytes('82 @ 0001 "a" 00'))
  await once(subscriber, 'data')
  const publisher = await connected(broker.port, 'publisher')
  const wrong: string[] = []
  let received = 0
  const packets = parser({ protocolVersion: 4 })
  packets.on('packet', (packet) => {
    if (packet.cmd !== 'publish') return
    const payload = packet.payload as Buffer
    received += 1
    // Every byte of a message is the same.
    if (payload.length > 3 && !payload.equals(Buffer.alloc(20_000, payload[0])))
      wrong.push(`mixed bytes after ${received}`)
    if (`${payload}` === 'end') subscriber.emit('end of round')
  })
  packets.on('error', (error) => wrong.push(error.message))
  subscriber.on('data', (chunk) => packets.parse(chunk))
  for (let round = 0; round < 4; round++) {
    subscriber.pause()
    for (let n = 0; n < 800; n++) {
      const frame = Buffer.concat([packetBytes('30 a39c01 0001 61'), Buffer.alloc(20_000, n & 255)])
      if (!publisher.write(frame)) await once(publisher, 'drain')
    }
    publisher.write(packetBytes('c0 00'))
    await once(publisher, 'data')
    subscriber.resume()
    // What fits nowhere was dropped; until it reads again, that holds for the end, too.
    const ended = once(subscriber, 'end of round')
    for (let isOver = false; !isOver && wrong.length === 0; ) {
      publisher.write(packetBytes(`30 @ "a" 'end'`))
      isOver = await Promise.race([ended.then(() => true), once(subscriber, 'data').then(() => false)])
    }
    expect(wrong).toEqual([])
  }
  expect(received).toBeGreaterThan(100)
  for (const socket of [subscriber, publisher]) socket.destroy()
})
