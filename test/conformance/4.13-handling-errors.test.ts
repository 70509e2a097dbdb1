import { describe, expect, it } from 'vitest'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import {
  ILLEGAL_CONNECTS,
  ILLEGAL_FIXED_HEADERS,
  ILLEGAL_PACKETS,
  type IllegalPacket,
} from '../contract/illegal-packets.ts'
import { conformanceBroker, unique } from '../helpers/conformance-broker.ts'
import { packetBytes } from '../helpers/packet-bytes.ts'

const all = [...ILLEGAL_FIXED_HEADERS, ...ILLEGAL_CONNECTS, ...ILLEGAL_PACKETS]
const rows = (version: number): [string, IllegalPacket][] =>
  all.filter(({ versions }) => versions.some((each) => each === version)).map((packet) => [packet.says, packet])
const codeOf = ({ reason }: IllegalPacket): number => ReasonCode[reason as keyof typeof ReasonCode]

describe.concurrent('4.13 Handling errors', () => {
  const broker = conformanceBroker()

  // The same rows as in the contract of decoders, this time over a socket and through the whole broker.
  it.each(rows(5))(
    '%s: DISCONNECT with the Reason Code of the specification, and the end [MQTT-4.13.1-1, MQTT-4.13.2-1]',
    async (_, row) => {
      const topic = unique()
      const watcher = await broker.connect()
      await watcher.subscribe(topic)
      const client = await broker.connect()
      client.send(row.bytes, `30 @ "${topic}" [] 78`)
      await client.expectDisconnect(codeOf(row))
      await watcher.expectNothing()
    },
  )

  it.each(rows(4))('%s: an MQTT 3.1.1 client is disconnected [MQTT-4.13.1-1]', async (_, row) => {
    const watcher = await broker.connect({ version: 4 })
    const client = await broker.connect({ version: 4 })
    client.send(row.bytes)
    await client.expectClosed()
    await watcher.expectNothing()
  })

  it.each(rows(3))('%s: an MQTT 3.1 client is disconnected [MQTT-4.13.1-1]', async (_, row) => {
    const client = await broker.connect({ version: 3 })
    client.send(row.bytes)
    await client.expectClosed()
  })

  it.each(rows(0))(
    '%s as the first packet: CONNACK with the Reason Code or nothing, and the end [MQTT-4.13.1-1, MQTT-4.13.2-1]',
    async (_, row) => {
      const client = await broker.open()
      client.send(row.bytes)
      const answer = await client.raw.rest()
      const code = codeOf(row).toString(16)
      const isVersion5 = packetBytes(row.bytes).subarray(0, 9).toString('hex').endsWith('4d51545405')
      // In MQTT 5.0 with a Reason Code; in MQTT 3 with a Return Code where there is one for it.
      if (isVersion5) expect(answer).toMatch(new RegExp(`^20..00${code}`))
      else expect(answer).toMatch(/^$|^2002000[1-5]$|^20..00(84|81)/)
    },
  )

  it('a client that sends DISCONNECT with 0x80 or more is disconnected [MQTT-4.13.2-1]', async () => {
    const client = await broker.connect()
    client.send('e0 01 80', 'c0 00')
    await client.expectClosed()
  })

  it('a client that is disconnected does not affect other clients [MQTT-4.13.1-1]', async () => {
    const topic = unique()
    const [first, second] = [await broker.connect(), await broker.connect()]
    await first.subscribe(topic)
    for (const packet of ['00 00', '36 @ "a" 0001 []', '30 @ "#" []', '82 @ 0001 []']) {
      const client = await broker.connect()
      await client.subscribe(topic)
      client.send(packet)
      await client.rest()
    }
    await second.publish(topic, 'x')
    await first.message({ payload: 'x' })
  })
})
