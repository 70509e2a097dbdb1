import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { packetBytes } from '../helpers/packet-bytes.ts'
import { arena, holdingAtMost } from './arena.ts'
import { type Attacker, hex, noProperties } from './attacker.ts'

const PENDING = 128 * 1024
const QUEUED = 2 * 2 ** 20
const attack = arena({
  server: { maximumPendingBytes: PENDING },
  handler: { maximumQueuedMessages: 500, maximumQueuedBytes: QUEUED, maximumInflight: 20, receiveMaximum: 65_535 },
})

const PAYLOAD = 'x'.repeat(8 * 1024)
/** More than the operating systems keep for a peer that does not read, and than the broker does. */
const MESSAGES = 2_000

/** Publishes, and waits until the broker has taken it. @param n also the Packet Identifier. */
const publish = async (publisher: Attacker, qos: number, n: number): Promise<void> => {
  const { version } = publisher
  const id = qos === 0 ? '' : hex(n + 1, 4)
  publisher.send(
    `${hex(0x30 | (qos << 1))} @ "frozen" ${id} ${noProperties(version)} '${String(n).padStart(5, '0')}${PAYLOAD}'`,
  )
  if (qos === 2) publisher.send(`62 02 ${id}`)
  // Not more in one turn of the event loop than may wait for a subscriber that reads.
  if (n % 10 === 9) await publisher.untilPing()
}

describe.each([0, 1, 2])('a subscriber that does not read, at QoS %i', (qos) => {
  it.each([4, 5] as const)(
    'does not delay other clients, and continues where it was, in version %i',
    async (version) => {
      const frozen = await attack.connected(version)
      await frozen.subscribe('frozen', hex(qos))
      const reader = await attack.connected(version)
      await reader.subscribe('frozen', '00')
      const publisher = await attack.connected(version)
      frozen.raw.socket.pause()
      await holdingAtMost(32, async () => {
        const received = count(reader, MESSAGES)
        for (let n = 0; n < MESSAGES; n++) {
          await publish(publisher, qos, n)
          if (n % 500 === 499) await attack.bystanderIsServed()
        }
        await received
      })
      frozen.raw.socket.resume()
      const numbers = await readOn(frozen, qos)
      expect(numbers.length).toBeGreaterThan(20)
      // What is missing was dropped whole, and the rest is in order.
      expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b))
      publisher.send(`30 @ "frozen" ${noProperties(version)} '99999'`)
      expect((await frozen.untilPing()).at(-1)).toMatch(/3939393939$/)
    },
  )
})

/** Reads so many packets. */
const count = async (reader: Attacker, packets: number): Promise<void> => {
  for (let received = 0; received < packets; received++) await reader.packet()
}

/** Acknowledges what comes until nothing does. @returns the numbers of the messages. */
const readOn = async (frozen: Attacker, qos: number): Promise<number[]> => {
  const numbers: number[] = []
  for (;;) {
    const packets = (await frozen.untilPing()).filter((packet) => packet.startsWith('3') || packet.startsWith('6'))
    if (packets.length === 0) return numbers
    for (const packet of packets) {
      const bytes = Buffer.from(packet, 'hex')
      if (packet.startsWith('6')) {
        frozen.send(Buffer.concat([Buffer.from('7002', 'hex'), bytes.subarray(2, 4)]))
        continue
      }
      const at = bytes.indexOf('frozen') + 6
      numbers.push(Number(bytes.toString('utf8', bytes.length - PAYLOAD.length - 5, bytes.length - PAYLOAD.length)))
      if (qos > 0)
        frozen.send(Buffer.concat([Buffer.from(qos === 1 ? '4002' : '5002', 'hex'), bytes.subarray(at, at + 2)]))
    }
  }
}

it('a large retained set is not copied for a subscriber that does not read, and arrives when it does', async () => {
  const COUNT = 1_500
  const publisher = await attack.connected(5)
  for (let n = 0; n < COUNT; n++) publisher.send(packetBytes(`31 @ "set/${n}" [] '${PAYLOAD}'`))
  await publisher.untilPing()
  const frozen = await attack.connected(5)
  frozen.raw.socket.pause()
  await holdingAtMost(16, async () => {
    for (let times = 0; times < 5; times++) frozen.send(`82 @ ${hex(times + 1, 4)} [] "set/#" 00 "set/+" 00`)
    await attack.bystanderIsServed()
  })
  frozen.raw.socket.resume()
  let received = 0
  for (let sets = 0; sets < 10 * COUNT; sets++) {
    const packet = await frozen.packet()
    if (packet.startsWith('3')) received++
    if (received === COUNT) break
  }
  expect(received).toBe(COUNT)
  frozen.destroy()
  publisher.send(...Array.from({ length: COUNT }, (_, n) => packetBytes(`31 @ "set/${n}" []`)))
  await publisher.untilPing()
})

it('a client that goes before it has read its retained messages finds them in its session', async () => {
  const COUNT = 400
  const publisher = await attack.connected(5)
  for (let n = 0; n < COUNT; n++) publisher.send(packetBytes(`33 @ "owed/${n}" ${hex(n + 1, 4)} [] 'x'`))
  await publisher.untilPing()
  const session = { clientId: 'owed', clean: false, properties: '11 000000ff' }
  const first = await attack.connected(5, session)
  first.send('82 @ 0001 [] "owed/#" 01', 'e0 00')
  await first.rest()
  const again = await attack.connected(5, session)
  const topics = new Set<string>()
  while (topics.size < COUNT) {
    const packet = await again.packet()
    const length = Number.parseInt(packet.slice(4, 8), 16)
    topics.add(packet.slice(8, 8 + 2 * length))
    again.send(`40 02 ${packet.slice(8 + 2 * length, 12 + 2 * length)}`)
  }
  publisher.send(...Array.from({ length: COUNT }, (_, n) => packetBytes(`31 @ "owed/${n}" []`)))
  await publisher.untilPing()
})

describe('many subscribers that do not read, each within its bounds', () => {
  const few = arena({
    server: { maximumPendingBytes: PENDING, maximumTotalPendingBytes: 4 * PENDING, stalledDeadlineMs: 300 },
  })

  it('are cut off when publishers have waited for them, and other clients are not', async () => {
    const reader = await few.connected(5)
    await reader.subscribe('frozen')
    const army = await Promise.all(Array.from({ length: 12 }, () => few.connected(5)))
    for (const frozen of army) {
      await frozen.subscribe('frozen')
      frozen.raw.socket.pause()
    }
    const publisher = await few.connected(5)
    const received = count(reader, 1_200)
    for (let n = 0; n < 1_200; n++) await publish(publisher, 0, n)
    await received
    await few.bystanderIsServed()
    expect(few.broker.map.server.connections).toBeLessThan(2 + 1 + army.length)
    expect(few.broker.map.server.counters.slowReaders).toBeGreaterThan(0)
    expect(few.log.at('warn').map(({ message }) => message)).toContain(
      'Connections cut off that read too slowly: too many bytes were pending for all connections',
    )
    await reader.isAlive()
  })
})

describe('publishers that wait for subscribers that do not read', () => {
  const waiting = arena({
    server: { maximumPendingBytes: PENDING, maximumTotalPendingBytes: 8 * PENDING, stalledDeadlineMs: 600_000 },
  })

  it('do not delay publishers of a few messages to subscribers that read', async () => {
    // They hold more than the limit together, and less than one and a half times the limit.
    for (let n = 0; n < 10; n++) {
      const frozen = await waiting.connected(5)
      await frozen.subscribe('frozen')
      frozen.raw.socket.pause()
    }
    const publisher = await waiting.connected(5)
    const message = packetBytes(`30 @ "frozen" [] '${PAYLOAD}'`)
    const isWaiting = () =>
      waiting.log.at('warn').some(({ message }) => message.startsWith('Subscribers read too slowly'))
    // Without a pause: it must end when the broker does not read any more.
    while (!isWaiting()) {
      publisher.send(message)
      await turn()
    }
    for (let n = 0; n < 10; n++) await waiting.bystanderIsServed()
    expect(waiting.log.at('warn').filter(({ message }) => message.startsWith('Connections cut off'))).toEqual([])
  })
})
