import { describe, expect, it } from 'vitest'
import type { LocalBroker } from '../../components/broker/local-broker.ts'
import { packetBytes } from '../helpers/packet-bytes.ts'
import { arena, holdingAtMost, VERSIONS } from './arena.ts'
import { type Attacker, connectNotation, hex, noProperties } from './attacker.ts'

const bounds = {
  maximumRetainedMessages: 100,
  maximumRetainedBytes: 100 * 1024,
  maximumQueuedMessages: 50,
  maximumQueuedBytes: 100 * 1024,
  maximumInflight: 10,
  maximumSessions: 40,
}

/** A client that went away and left a subscription behind. */
const absent = async (attack: ReturnType<typeof arena>, version: 3 | 4 | 5, clientId: string) => {
  const client = await attack.connected(version, { clientId, properties: '11 000000ff', clean: false })
  await client.subscribe('queue', '01')
  await client.send('e0 00').rest()
}

/** Publishes at QoS 1, a number in each payload. @returns the Reason Codes of the answers; 0 where there is none. */
const flood = async (attacker: Attacker, topic: (n: number) => string, count: number, padding = '', first = '32') => {
  const none = noProperties(attacker.version)
  const packets = Array.from({ length: count }, (_, n) =>
    packetBytes(`${first} @ "${topic(n)}" ${hex(n + 1, 4)} ${none} '${String(n).padStart(4, '0')}${padding}'`),
  )
  attacker.send(...packets)
  const codes: number[] = []
  while (codes.length < count) codes.push(reasonCodeOf(Buffer.from(await attacker.packet(), 'hex')))
  return codes
}

/** The Reason Code of a PUBACK packet: behind the Remaining Length, of one or more bytes, and the Packet Identifier. */
const reasonCodeOf = (puback: Buffer): number => puback[puback.findIndex((byte, at) => at > 0 && byte < 0x80) + 3] ?? 0

/** The numbers of the messages that a client finds waiting, each acknowledged. */
const collect = async (attacker: Attacker): Promise<number[]> => {
  const numbers: number[] = []
  for (;;) {
    const publishes = await attacker.untilPing()
    if (publishes.length === 0) return numbers
    for (const packet of publishes) {
      const bytes = Buffer.from(packet, 'hex')
      const at = bytes.indexOf('queue') + 5
      attacker.send(`40 02 ${bytes.toString('hex', at, at + 2)}`)
      numbers.push(Number(bytes.toString('utf8', at + (attacker.version === 5 ? 3 : 2)).slice(0, 4)))
    }
  }
}

describe('retained floods', () => {
  const attack = arena({ handler: bounds })

  it('end at maximumRetainedMessages: existing messages stay, and can be replaced and removed', async () => {
    const attacker = await attack.connected(5)
    const codes = await flood(attacker, (n) => `retained/${n}`, 400, '', '33')
    expect(codes).toEqual(codes.map((_, n) => (n < 100 ? 0x10 : 0x97)))
    expect(await flood(attacker, () => 'retained/7', 5, 'again', '33')).toEqual([0x10, 0x10, 0x10, 0x10, 0x10])
    await attacker.subscribe('retained/#')
    expect(await attacker.untilPing()).toHaveLength(100)
    attacker.send(...Array.from({ length: 100 }, (_, n) => packetBytes(`31 @ "retained/${n}" []`)))
    await attacker.untilPing()
    await attacker.subscribe('retained/+')
    expect(await attacker.untilPing()).toEqual([])
  })

  it.each(VERSIONS)('end at maximumRetainedBytes in version %i', async (version) => {
    const attacker = await attack.connected(version)
    const none = noProperties(version)
    await holdingAtMost(4, () => flood(attacker, (n) => `large/${n}`, 90, 'x'.repeat(10_000), '33'))
    await attacker.subscribe('large/#')
    const held = await attacker.untilPing()
    expect(held.length).toBeGreaterThan(5)
    expect(held.length).toBeLessThanOrEqual(10)
    attacker.send(...Array.from({ length: 90 }, (_, n) => packetBytes(`31 @ "large/${n}" ${none}`)))
    await attacker.untilPing()
  })
})

describe.each([
  ['drop-newest', 0, [0, 1, 48, 49]],
  ['drop-oldest', 0, [350, 351, 398, 399]],
  ['refuse', 0x97, [0, 1, 48, 49]],
] as const)('offline queues with the policy %s', (queueFullPolicy, code, kept) => {
  const attack = arena({ handler: { ...bounds, queueFullPolicy } })

  it.each(VERSIONS)('end at maximumQueuedMessages in version %i', async (version) => {
    const clientId = `absent ${version}`
    await absent(attack, version, clientId)
    const attacker = await attack.connected(5)
    const codes = await flood(attacker, () => 'queue', 400)
    expect(codes.slice(0, 50)).toEqual(Array(50).fill(0))
    expect(codes.slice(50)).toEqual(Array(350).fill(code))
    const again = await attack.connected(version, { clientId, clean: false })
    const numbers = await collect(again)
    expect(numbers).toHaveLength(50)
    expect([...numbers.slice(0, 2), ...numbers.slice(-2)]).toEqual(kept)
    again.send(`a2 @ 0001 ${noProperties(version)} "queue"`)
    await again.untilPing()
  })

  it('end at maximumQueuedBytes', async () => {
    await absent(attack, 5, 'absent bytes')
    const attacker = await attack.connected(5)
    await holdingAtMost(4, () => flood(attacker, () => 'queue', 200, 'x'.repeat(10_000)))
    const again = await attack.connected(5, { clientId: 'absent bytes', clean: false })
    const numbers = await collect(again)
    expect(numbers.length).toBeGreaterThan(5)
    expect(numbers.length).toBeLessThanOrEqual(10)
  })
})

describe('sessions without bounds', () => {
  const attack = arena({ handler: { ...bounds, maximumAwaySessions: 30 } })
  const core = () => (attack.broker.map.broker as LocalBroker).core
  const outlives = '11 000000ff'

  /** Leaves a session behind. @returns the Reason Code of CONNACK. */
  const leave = async (clientId: string, subscribe: boolean, properties = outlives) => {
    const attacker = await attack.open(5)
    const subscribes = subscribe ? ['82 @ 0001 [] "x" 00'] : []
    attacker.send(connectNotation(5, { clientId, properties }), ...subscribes, 'e0 00')
    return (await attacker.rest())[0]!.slice(6, 8)
  }

  it('without content do not block new clients at maximumSessions', async () => {
    for (let n = 0; n < 60; n++) expect(await leave(`nothing ${n}`, false)).toBe('00')
    const { sessions, counters } = core()
    expect(sessions.away.count).toBe(30)
    expect(counters.givenUpSessions).toBe(30)
    expect(attack.log.at('warn').filter(({ message }) => message.includes('held nothing'))).toHaveLength(1)
    // The last ones are still there.
    const attacker = await attack.open(5)
    attacker.send(connectNotation(5, { clientId: 'nothing 59', clean: false }))
    expect(await attacker.packet()).toMatch(/^20..0100/)
  })

  it('that hold something end at maximumAwaySessions, and at maximumSessions; a client that has one comes back to it', async () => {
    const answers: string[] = []
    for (let n = 0; n < 60; n++) answers.push(await leave(`many ${n}`, true))
    expect(answers).toEqual(answers.map((_, n) => (n < 30 ? '00' : '97')))
    // There is room for clients whose sessions end with their connections: ten, and one is the bystander.
    const connected = await Promise.all(Array.from({ length: 9 }, () => attack.connected(5)))
    await (await attack.open(5)).send(connectNotation(5)).isRefused('QuotaExceeded')
    const attacker = await attack.open(5)
    attacker.send(connectNotation(5, { clientId: 'many 1', clean: false }))
    expect(await attacker.packet()).toMatch(/^20..0100/)
    expect(connected).toHaveLength(9)
  })
})
