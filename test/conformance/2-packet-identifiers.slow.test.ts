import { describe, expect, it } from 'vitest'
import { conformanceBroker, unique } from '../helpers/conformance-broker.ts'
import { packetBytes } from '../helpers/packet-bytes.ts'

describe('2 MQTT Control Packet format', () => {
  const broker = conformanceBroker()

  it('a Packet Identifier is in use until PUBCOMP, over more messages than there are identifiers [MQTT-2.2.1-4]', async () => {
    const topic = unique()
    const client = await broker.connect()
    await client.subscribe(topic, { qos: 2 })
    const publisher = await broker.connect()
    await publisher.publish(topic, 'held', { qos: 2 })
    const held = await client.take('publish')
    client.send({ cmd: 'pubrec', messageId: held.messageId! })
    await client.take('pubrel')
    const batch = 50
    const publish = packetBytes(`32 @ "${topic}" 0001 []`)
    const publishes = Buffer.concat(Array(batch).fill(publish))
    const heldId = held.messageId!.toString(16).padStart(4, '0')
    // So many that reading packet by packet would take its time; the broker sends so many before the first is acknowledged.
    for (let n = 0; n < 66_000; n += batch) {
      publisher.raw.socket.write(publishes)
      const frames = await client.raw.receive(publishes.length)
      const ids = Array.from({ length: batch }, (_, m) => frames.slice((m + 1) * publish.length * 2 - 6).slice(0, 4))
      if (ids.includes(heldId) || ids.includes('0000')) expect.fail(`Packet Identifier ${heldId} or 0 came`)
      if (new Set(ids).size !== batch) expect.fail(`the same Packet Identifier came twice: ${ids}`)
      client.raw.send(...ids.map((id) => `4002${id}`))
      await publisher.raw.receive(batch * 4)
    }
    client.send({ cmd: 'pubcomp', messageId: held.messageId! })
    await client.expectNothing()
  })
})
