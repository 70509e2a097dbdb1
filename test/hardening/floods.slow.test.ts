import { describe, expect, it } from 'vitest'
import type { LocalBroker } from '../../components/broker/local-broker.ts'
import { eventually } from '../helpers/eventually.ts'
import { arena, holdingAtMost } from './arena.ts'
import { Attacker, connectNotation } from './attacker.ts'

const attack = arena()

describe('floods', () => {
  it('of CONNECT packets, each with a session of its own that ends at once, leave nothing', async () => {
    const { server, router, broker } = attack.broker.map
    const { sessions, gauges } = (broker as LocalBroker).core
    const held = () => [server.connections, sessions.count, router.subscriptions, gauges.subscriptionBytes]
    const wave = async () => {
      const flood = await Promise.all(Array.from({ length: 50 }, () => Attacker.open(attack.broker.port, 5)))
      for (const attacker of flood) attacker.send(connectNotation(5), '82 @ 0001 [] "a/#" 00', 'e0 00')
      for (const attacker of flood) expect(await attacker.packet()).toMatch(/^20..0000/)
      for (const attacker of flood) expect(await attacker.rest()).toEqual(['900400010000'])
      expect(attack.log.at('error')).toEqual([])
      attack.log.lines.splice(0)
    }
    const before = held()
    // The first wave allocates what the broker keeps and uses again.
    await wave()
    // Sockets that close hold 1 MiB for a while. A leak of the sessions alone would add 1.2 MiB, of the clients 5.
    await holdingAtMost(1.6, async () => {
      for (let waves = 0; waves < 20; waves++) await wave()
      await eventually(() => expect(held()).toEqual(before))
    })
  })
})
