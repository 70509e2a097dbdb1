import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { expect, it } from 'vitest'
import { PacketType } from '../../bench/generator/packets.ts'
import { FloodClient } from './flood-client.ts'

it('counts packets of any size, however they are split', async () => {
  const packets = Buffer.concat([
    Buffer.of(0x20, 2, 0, 0), // CONNACK
    Buffer.of(0x30, 0xc8, 1), // PUBLISH, 200 bytes
    Buffer.alloc(200, 0xd0),
    Buffer.of(0xd0, 0, 0xd0, 0), // PINGRESP
    Buffer.of(0x90, 3, 0, 1, 0x80), // SUBACK
  ])
  const server = createServer((socket) => {
    void (async () => {
      for (const byte of packets) {
        if (!socket.write(Buffer.of(byte))) await once(socket, 'drain')
        await new Promise((resolve) => setImmediate(resolve))
      }
    })()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = await FloodClient.connect((server.address() as AddressInfo).port)
  await client.until(PacketType.SUBACK)
  const { CONNACK, PUBLISH, PINGRESP, SUBACK } = PacketType
  expect([CONNACK, PUBLISH, PINGRESP, SUBACK].map((type) => client.received[type])).toEqual([1, 1, 2, 1])
  const waiting = client.until(PacketType.PUBACK)
  client.destroy()
  await expect(waiting).rejects.toThrow('The broker closed the connection.')
  server.close()
})
