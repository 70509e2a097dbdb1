import { describe, expect, it } from 'vitest'
import type { LocalBroker } from '../../components/broker/local-broker.ts'
import { UNITS_PER_TURN } from '../../components/broker/turn-scheduler.ts'
import { isFullRun } from '../helpers/full-run.ts'
import { randomBelow } from '../helpers/mutate.ts'
import { packetBytes } from '../helpers/packet-bytes.ts'
import { arena, holdingAtMost, VERSIONS } from './arena.ts'
import { type Attacker, connectNotation, noProperties } from './attacker.ts'

const attack = arena({ decoder: { maximumConnectPacketSize: 128 * 1024 } })

const SLASHES = '/'.repeat(65_535)
// Linear work on 65,535 levels takes a few milliseconds. What is quadratic takes minutes, and the test does not end in time.
const slashes = packetBytes(`"${SLASHES}"`).toString('hex')
describe.each(VERSIONS)('65,535 slashes in version %i', (version) => {
  const none = noProperties(version)

  it('in a Topic Name are delivered to a subscriber of everything', async () => {
    const attacker = await attack.connected(version)
    await attacker.subscribe('#')
    attacker.send(`32 @ ${slashes} 0001 ${none} 'x'`)
    const packets = [await attacker.packet(), await attacker.packet()]
    expect(packets.map((packet) => packet.slice(0, 1)).sort()).toEqual(['3', '4'])
    expect(packets.find((packet) => packet.startsWith('3'))).toContain(slashes)
  })

  it('in a Topic Filter are not accepted, and cost nothing', async () => {
    const attacker = await attack.connected(version)
    const before = attack.broker.map.router.subscriptions
    await holdingAtMost(4, async () => {
      for (let n = 0; n < 20; n++) {
        attacker.send(`82 @ 0001 ${none} ${slashes} 00`)
        expect(await attacker.packet()).toMatch(version === 5 ? /^90..0001008f|^90..00011c1f.*97$/ : /^9003000180$/)
      }
      attacker.send(`a2 @ 0002 ${none} ${slashes}`)
      expect(await attacker.packet()).toBe(version === 5 ? 'b00400020011' : 'b0020002')
    })
    expect(attack.broker.map.router.subscriptions).toBe(before)
  })

  it('in the topic of a retained message are found again, or refused', async () => {
    const attacker = await attack.connected(version)
    attacker.send(`33 @ ${slashes} 0001 ${none} 'x'`)
    expect(await attacker.packet()).toMatch(/^40/)
    await attacker.subscribe('#')
    await attacker.untilPing()
    attacker.send(`31 @ ${slashes} ${none}`)
    await attacker.untilPing()
  })

  it('in a Will Topic are published like any other', async () => {
    const witness = await attack.connected(version)
    await witness.subscribe('#')
    const attacker = await attack.open(version)
    attacker.send(connectNotation(version, { flags: 4, payload: `${none} ${slashes} <78>` }))
    expect(await attacker.packet()).toMatch(/^20..00/)
    attacker.destroy()
    expect(await witness.packet()).toContain(slashes)
  })
})

describe.each(VERSIONS)('topics in version %i', (version) => {
  const none = noProperties(version)

  it('of no length end the connection', async () => {
    const attacker = await attack.connected(version)
    await attacker.send(`30 @ "" ${none} 'x'`).isThrownOut('ProtocolError')
  })

  it('with wildcards end the connection', async () => {
    for (const topic of ['#', 'a/+', 'a/b#', '+']) {
      const attacker = await attack.connected(version)
      await attacker.send(`30 @ "${topic}" ${none} 'x'`).isThrownOut('TopicNameInvalid')
    }
  })

  it('that begin with $ belong to the server: a client’s message on them is not delivered and not retained', async () => {
    const witness = await attack.connected(version)
    for (const filter of ['$SYS/#', '$own/+', '$own', '#']) await witness.subscribe(filter)
    const attacker = await attack.connected(version)
    const refusal = version === 5 ? /^40..000190/ : /^40020001$/
    for (const topic of ['$SYS/broker/uptime', '$own/a', '$own', '$']) {
      attacker.send(`31 @ "${topic}" ${none} 'x'`, `33 @ "${topic}" 0001 ${none} 'x'`)
      expect(await attacker.packet()).toMatch(refusal)
      attacker.send(`35 @ "${topic}" 0001 ${none} 'x'`)
      expect(await attacker.packet()).toMatch(version === 5 ? /^50..000190/ : /^50020001$/)
      if (version === 5) continue
      attacker.send('62 02 0001')
      expect(await attacker.packet()).toBe('70020001')
    }
    await witness.isAlive()
    await witness.subscribe('$own/#')
    await witness.isAlive()
    await attacker.isAlive()
  })

  it('of a malformed Shared Subscription are refused', async () => {
    for (const filter of ['$share/', '$share/g', '$share/g/', '$share//a', '$share/+/a', '$share/g#/a', '$share/#']) {
      const before = attack.broker.map.router.subscriptions
      const attacker = await attack.connected(version)
      attacker.send(`82 @ 0001 ${none} "${filter}" 01`)
      const packets = await attacker.isThrownOut('TopicFilterInvalid', 'MalformedPacket', 'ProtocolError')
      expect(packets).toEqual([])
      expect(attack.broker.map.router.subscriptions).toBe(before)
    }
  })

  it('shared and plain, subscribed and unsubscribed at random, are counted right', async () => {
    const members = await Promise.all([attack.connected(version), attack.connected(version)])
    const before = attack.broker.map.router.subscriptions
    const random = randomBelow(version)
    const held = members.map(() => new Set<string>())
    const filters = ['mixed/a', '$share/g/mixed/a', '$share/h/mixed/a', '$share/g/mixed/+']
    for (let n = 0; n < 150; n++) {
      const who = random(2)
      const filter = filters[random(filters.length)]!
      if (random(2) === 0) {
        await members[who]!.subscribe(filter)
        held[who]!.add(filter)
      } else {
        members[who]!.send(`a2 @ 0001 ${none} "${filter}"`)
        const existed = held[who]!.delete(filter)
        expect(await members[who]!.packet()).toBe(version === 5 ? `b004000100${existed ? '00' : '11'}` : 'b0020001')
      }
      if (n % 10 === 0) expect(await copies(members, none)).toBe(expectedCopies(held))
    }
    expect(attack.broker.map.router.subscriptions - before).toBe(held[0]!.size + held[1]!.size)
  })
})

/** How often a message arrives, at all members together. */
const copies = async ([first, second]: Attacker[], none: string): Promise<number> => {
  first!.send(`30 @ "mixed/a" ${none} 'x'`)
  const packets = [...(await first!.untilPing()), ...(await second!.untilPing())]
  return packets.length
}

/** Once for each member with the plain filter, and once for each Shared Subscription that has members. */
const expectedCopies = (held: readonly ReadonlySet<string>[]): number => {
  const all = held.flatMap((filters) => [...filters])
  const plain = all.filter((filter) => !filter.startsWith('$')).length
  return plain + new Set(all.filter((filter) => filter.startsWith('$'))).size
}

describe('Topic Aliases', () => {
  it.each([
    ['0', '30 @ "a" [23 0000]', 'TopicAliasInvalid'],
    ['over the maximum', '30 @ "a" [23 ffff]', 'TopicAliasInvalid'],
    ['over the maximum, and without a topic', '30 @ "" [23 ffff]', 'TopicAliasInvalid'],
    ['that stand for nothing', '30 @ "" [23 0001]', 'ProtocolError'],
  ] as const)('%s end the connection', async (_, notation, reason) => {
    const attacker = await attack.connected(5)
    await attacker.send(notation).isThrownOut(reason)
  })

  it('of another connection of the same client stand for nothing', async () => {
    const attacker = await attack.connected(5, { clientId: 'aliases', clean: false, properties: '11 0000ffff' })
    attacker.send('30 @ "a" [23 0001]', 'e0 00')
    await attacker.rest()
    const again = await attack.connected(5, { clientId: 'aliases', clean: false })
    await again.send('30 @ "" [23 0001]').isThrownOut('ProtocolError')
  })
})

it('filters that all match, in all ways, are matched in time', async () => {
  const attacker = await attack.connected(5)
  // Every filter of twelve levels that are `a` or `+`: 4,096.
  const filters = Array.from({ length: 2 ** 12 }, (_, n) =>
    Array.from({ length: 12 }, (_, level) => ((n >> level) & 1 ? '+' : 'a')).join('/'),
  )
  attacker.send(`82 @ 0001 [] ${filters.map((filter) => `"${filter}" 00`).join(' ')}`)
  expect(await attacker.packet()).toMatch(/^90/)
  for (let n = 0; n < 20; n++) attacker.send(`30 @ "${'a/'.repeat(11)}a" [] 'x'`)
  expect(await attacker.untilPing()).toHaveLength(20)
})

it('filters that search all retained messages without a match do not delay other clients', async () => {
  const [topics, filters] = isFullRun ? [10_000, 1_000] : [4_000, 400]
  const publisher = await attack.connected(5)
  const retained = (payload: string) =>
    Array.from({ length: topics }, (_, n) => packetBytes(`31 @ "wide/${n >> 7}/${n}/a" [] '${payload}'`))
  publisher.send(...retained('x'))
  await publisher.untilPing()
  const { scheduler } = (attack.broker.map.broker as LocalBroker).core
  const before = scheduler.spent
  const attacker = await attack.connected(5)
  attacker.send(`82 @ 0001 [] ${Array.from({ length: filters }, (_, n) => `"+/+/+/none${n}" 00`).join(' ')}`)
  await attacker.packet()
  await attack.bystanderIsServed()
  // The search is far from its end: the bystander did not have to wait for that.
  expect(scheduler.spent - before).toBeLessThan((topics * filters) / 2)
  expect(scheduler.mostInTurn).toBeLessThan(2 * UNITS_PER_TURN)
  attacker.destroy()
  publisher.send(...retained(''))
  await publisher.untilPing()
})

it('refused filters by the thousand are logged once', async () => {
  const lines = attack.log.at('warn').length
  const attacker = await attack.connected(5)
  const filters = Array.from({ length: 1_000 }, (_, n) => `"${'/'.repeat(1_000)}${n}" 00`).join(' ')
  attacker.send(`82 @ 0001 [] ${filters}`)
  expect((await attacker.packet()).slice(-2_000)).toBe('97'.repeat(1_000))
  expect(attack.log.at('warn').length - lines).toBe(1)
})
