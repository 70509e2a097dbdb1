import { describe, expect, it } from 'vitest'
import type { LocalBroker } from '../../components/broker/local-broker.ts'
import { eventually } from '../helpers/eventually.ts'
import { packetBytes } from '../helpers/packet-bytes.ts'
import { arena, holdingAtMost, VERSIONS } from './arena.ts'
import { hex, noProperties } from './attacker.ts'

const RECEIVE_MAXIMUM = 50
const MAXIMUM_INFLIGHT = 30
const TOTAL_UNRELEASED = 1024 * 1024
const attack = arena({
  handler: {
    receiveMaximum: RECEIVE_MAXIMUM,
    maximumInflight: MAXIMUM_INFLIGHT,
    maximumInflightMqtt3: MAXIMUM_INFLIGHT,
    maximumTotalUnreleasedBytes: TOTAL_UNRELEASED,
  },
})

/** What 512 Packet Identifiers cost, in the handler and in the store. */
const PAGE_BYTES = 400
const gauges = () => (attack.broker.map.broker as LocalBroker).core.gauges

const publishes = (topic: string, identifiers: readonly number[], none: string, firstByte = '34') =>
  Buffer.concat(identifiers.map((id) => packetBytes(`${firstByte} @ "${topic}" ${hex(id, 4)} ${none} 'x'`)))
const upTo = (count: number) => Array.from({ length: count }, (_, n) => n + 1)

it('QoS 2 messages that are never released end at Receive Maximum', async () => {
  const attacker = await attack.connected(5)
  attacker.send(publishes('a', upTo(RECEIVE_MAXIMUM + 1), '[]'))
  const packets = await attacker.isThrownOut('ReceiveMaximumExceeded')
  expect(packets.every((packet) => packet.startsWith('50'))).toBe(true)
  expect(packets.length).toBeLessThanOrEqual(RECEIVE_MAXIMUM)
})

it('QoS 2 messages up to Receive Maximum are taken, and again once they are released', async () => {
  const attacker = await attack.connected(5)
  for (let round = 0; round < 3; round++) {
    attacker.send(publishes('a', upTo(RECEIVE_MAXIMUM), '[]'))
    for (const id of upTo(RECEIVE_MAXIMUM)) expect(await attacker.packet()).toMatch(`${hex(id, 4)}10`)
    for (const id of upTo(RECEIVE_MAXIMUM)) attacker.send(`62 02 ${hex(id, 4)}`)
    for (const id of upTo(RECEIVE_MAXIMUM)) expect(await attacker.packet()).toBe(`7002${hex(id, 4)}`)
  }
})

it.each([3, 4] as const)('QoS 2 messages that are never released cost little in version %i', async (version) => {
  const attacker = await attack.connected(version)
  await holdingAtMost(16, async () => {
    // A client of MQTT 3 may send all of them before it reads the first answer.
    attacker.send(publishes('a', upTo(65_535), ''))
    const answers = await attacker.raw.receive(4 * 65_535)
    expect(
      answers ===
        upTo(65_535)
          .map((id) => `5002${hex(id, 4)}`)
          .join(''),
    ).toBe(true)
    await attack.bystanderIsServed()
  })
  expect(gauges().unreleasedBytes).toBe(128 * PAGE_BYTES)
  attacker.destroy()
  await eventually(() => expect(gauges().unreleasedBytes).toBe(0))
})

it('QoS 2 messages that are never released end for all sessions together at maximumTotalUnreleasedBytes', async () => {
  // One identifier in each page costs as much as all of them.
  const identifiers = upTo(127).map((page) => page * 512)
  const sessions = upTo(TOTAL_UNRELEASED / (127 * PAGE_BYTES) + 5).map((n) => `unreleased ${n}`)
  let thrownOut = 0
  for (const clientId of sessions) {
    const attacker = await attack.connected(4, { clientId, clean: false })
    attacker.send(publishes('a', identifiers, ''), 'e0 00')
    if ((await attacker.rest()).length < identifiers.length) thrownOut++
    // It is gone, and its session stays.
    expect(gauges().unreleasedBytes).toBeLessThan(TOTAL_UNRELEASED + sessions.length * 2_048)
  }
  expect(thrownOut).toBeGreaterThan(3)
  expect(attack.log.at('warn')).toContainEqual(
    expect.objectContaining({
      client: sessions.at(-1),
      message: expect.stringContaining('maximumTotalUnreleasedBytes'),
    }),
  )
  // Others publish as ever.
  const publisher = await attack.connected(4)
  for (const id of upTo(600)) publisher.send(publishes('a', [id], ''), `62 02 ${hex(id, 4)}`)
  expect(await publisher.untilPing()).toHaveLength(2 * 600)
  for (const clientId of sessions) (await attack.connected(4, { clientId })).destroy()
  await eventually(() => expect(gauges().unreleasedBytes).toBe(0))
})

describe.each(VERSIONS)('in version %i', (version) => {
  const none = noProperties(version)

  it('a QoS 2 message under an id that is in use is delivered once, however often it comes', async () => {
    const subscriber = await attack.connected(version)
    await subscriber.subscribe('once')
    const attacker = await attack.connected(version)
    for (let round = 0; round < 2; round++) {
      attacker.send(publishes('once', [7], none), publishes('once', Array(200).fill(7), none, '3c'))
      for (let n = 0; n <= 200; n++) expect(await attacker.packet()).toMatch(/^50..0007(00)?(00)?$/)
      attacker.send('62 02 0007', '62 02 0007')
      expect(await attacker.packet()).toBe('70020007')
      expect(await attacker.packet()).toMatch(version === 5 ? /^700[34]000792/ : /^70020007$/)
      expect(await subscriber.untilPing()).toHaveLength(1)
    }
  })

  it('PUBREL for unknown ids is answered, and leaves nothing behind', async () => {
    const attacker = await attack.connected(version)
    const releases = Buffer.concat(upTo(20_000).map((id) => packetBytes(`62 02 ${hex(id, 4)}`)))
    await holdingAtMost(8, async () => {
      attacker.send(releases)
      const answers = await attacker.untilPing()
      expect(answers).toHaveLength(20_000)
      expect(answers[9]).toMatch(version === 5 ? /^700[34]000a92/ : /^7002000a$/)
    })
  })

  it('acknowledgements of what was never sent change nothing', async () => {
    const attacker = await attack.connected(version)
    attacker.send('40 02 0001', '50 02 0002', '70 02 0003')
    const answers = await attacker.untilPing()
    // PUBREC for an unknown id is answered with PUBREL, which in MQTT 5.0 says so.
    expect(answers.filter((packet) => !packet.startsWith('62'))).toEqual([])
  })

  it('a subscriber that never acknowledges gets as many messages as it may, and no more', async () => {
    const subscriber = await attack.connected(version)
    await subscriber.subscribe('held', '02')
    const publisher = await attack.connected(version)
    for (const id of upTo(40)) publisher.send(`34 @ "held" ${hex(id, 4)} ${none} 'x'`, `62 02 ${hex(id, 4)}`)
    await publisher.untilPing()
    const sent = await subscriber.untilPing()
    expect(sent.every((packet) => packet.startsWith('34'))).toBe(true)
    expect(sent).toHaveLength(MAXIMUM_INFLIGHT)
    expect(await subscriber.untilPing()).toEqual([])
    // The wrong half of the exchange completes nothing.
    subscriber.send(`70 02 ${identifierOf(sent[0]!)}`)
    expect(await subscriber.isThrownOut('ProtocolError')).toEqual([])
  })
})

/** The Packet Identifier of a PUBLISH packet on the topic `held`. */
const identifierOf = (packet: string): string => packet.slice(4 + 12, 4 + 16)
