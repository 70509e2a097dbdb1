import { describe, expect, it } from 'vitest'
import { packetBytes } from '../helpers/packet-bytes.ts'
import { arena } from './arena.ts'
import { type Attacker, noProperties } from './attacker.ts'

const LIMIT = 1024 * 1024
const attack = arena({ decoder: { maximumTotalPartialBytes: LIMIT, maximumPacketSize: 512 * 1024 } })

/** The first bytes of a PUBLISH packet with a payload of 200,000 bytes, of which this much is sent. */
const part = (attacker: Attacker, bytes: number): Buffer =>
  packetBytes(`30 @ "a" ${noProperties(attacker.version)} '${'x'.repeat(200_000)}'`).subarray(0, bytes)

describe.each([4, 5] as const)('packets that never come whole, in version %i', (version) => {
  it('are refused beyond maximumTotalPartialBytes, the largest first; smaller ones are not', async () => {
    const honest = await attack.connected(version)
    const whole = packetBytes(`30 @ "a" ${noProperties(version)} '${'x'.repeat(1_000)}'`)
    honest.send(whole.subarray(0, 500))
    const army = await Promise.all(Array.from({ length: 40 }, () => attack.connected(version)))
    for (const attacker of army) {
      // Each takes at least as much memory, all together more than the limit.
      attacker.send(part(attacker, 30_000))
      await attack.bystanderIsServed()
    }
    expect(await army[0]!.isThrownOut('QuotaExceeded')).toEqual([])
    expect(army.at(-1)!.raw.socket.readyState).toBe('open')
    const text = 'maximumTotalPartialBytes'
    expect(attack.log.lines.filter((line) => JSON.stringify(line).includes(text))).not.toEqual([])
    // A small packet is not refused in favour of larger ones.
    honest.send(whole.subarray(500))
    await honest.isAlive()
  })
})
