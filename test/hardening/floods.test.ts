import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { eventually } from '../helpers/eventually.ts'
import { packetBytes } from '../helpers/packet-bytes.ts'
import { arena, holdingAtMost, VERSIONS } from './arena.ts'
import { type Attacker, connectNotation, hex, noProperties } from './attacker.ts'

const MAXIMUM_CONNECTIONS = 120
const attack = arena({
  server: { maximumConnections: MAXIMUM_CONNECTIONS, maximumPendingBytes: 64 * 1024 },
  handler: { maximumSubscriptions: 500 },
})

describe.each(VERSIONS)('takeover storms in version %i', (version) => {
  const none = noProperties(version)

  it('with subscribe and unsubscribe churn leave one client, and its subscriptions alone', async () => {
    const { router } = attack.broker.map
    const before = router.subscriptions
    const churn = Array.from({ length: 20 }, (_, n) => [
      packetBytes(`82 @ 0001 ${none} "storm/${n}" 00 "storm/+/${n}" 01`),
      packetBytes(`a2 @ 0002 ${none} "storm/${n}"`),
    ]).flat()
    for (let wave = 0; wave < 3; wave++) {
      const storm = await Promise.all(Array.from({ length: 60 }, () => attack.open(version)))
      for (const attacker of storm) {
        attacker.send(connectNotation(version, { clientId: 'same', clean: wave % 2 === 0 }), ...churn)
      }
      await Promise.all(storm.map((attacker) => attacker.packet()))
      for (const attacker of storm.slice(0, -1)) await isTakenOver(attacker)
    }
    await eventually(() => expect(attack.broker.map.server.connections).toBe(2))
    const last = await attack.connected(version, { clientId: 'same' })
    await last.isAlive()
    expect(router.subscriptions).toBe(before)
  })
})

/** Fails unless the connection ends, in MQTT 5.0 with Session taken over. */
const isTakenOver = async (attacker: Attacker): Promise<void> => {
  const last = (await attacker.rest()).at(-1)
  if (attacker.version === 5) expect(last).toMatch(/^e0..8e/)
}

describe('floods', () => {
  it('of connections are cut at maximumConnections, and end when the connections do', async () => {
    const server = attack.broker.map.server
    const flood = await Promise.all(Array.from({ length: 300 }, () => attack.open()))
    await eventually(() => expect(server.counters.refused).toBeGreaterThanOrEqual(300 - MAXIMUM_CONNECTIONS))
    expect(server.connections).toBeLessThanOrEqual(MAXIMUM_CONNECTIONS)
    await attack.bystanderIsServed()
    for (const attacker of flood) attacker.destroy()
    await eventually(() => expect(server.connections).toBe(1))
    await (await attack.connected()).isAlive()
  })

  it('of requests whose answers are never read stop being read', async () => {
    const attacker = await attack.connected(5)
    attacker.raw.socket.pause()
    const pings = packetBytes('c0 00'.repeat(32_768))
    await holdingAtMost(48, async () => {
      // The operating systems take some megabytes; then the socket is not writable any more.
      let isWritable = true
      for (let n = 0; n < 1_000 && isWritable; n++) {
        if (attacker.raw.socket.write(pings)) continue
        isWritable = await Promise.race([
          once(attacker.raw.socket, 'drain').then(() => true),
          new Promise<boolean>((resolve) => setTimeout(resolve, 300, false)),
        ])
      }
      expect(isWritable).toBe(false)
      await attack.bystanderIsServed()
    })
  })

  it('of subscriptions end at maximumSubscriptions', async () => {
    const attacker = await attack.connected(5)
    const before = attack.broker.map.router.subscriptions
    for (let n = 0; n < 10; n++) {
      const filters = Array.from({ length: 100 }, (_, m) => `"flood/${n}/${m}" 00`).join(' ')
      attacker.send(`82 @ ${hex(n + 1, 4)} [] ${filters}`)
      const suback = await attacker.packet()
      expect(suback.slice(-200)).toBe((n < 5 ? '00' : '97').repeat(100))
    }
    expect(attack.broker.map.router.subscriptions).toBe(before + 500)
  })

  it('of messages to oneself, never read, drop what is QoS 0', async () => {
    const attacker = await attack.connected(5)
    await attacker.subscribe('self')
    attacker.raw.socket.pause()
    const publish = packetBytes(`30 @ "self" [] '${'x'.repeat(1_000)}'`)
    await holdingAtMost(48, async () => {
      for (let n = 0; n < 60 && attacker.raw.socket.writableLength < 8 * 2 ** 20; n++) {
        attacker.raw.socket.write(Buffer.concat(Array.from({ length: 500 }, () => publish)))
        await attack.bystanderIsServed()
      }
    })
  })
})
