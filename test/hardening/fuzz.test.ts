import fc from 'fast-check'
import { expect, it } from 'vitest'
import { runs } from '../helpers/full-run.ts'
import { mutated, randomBelow } from '../helpers/mutate.ts'
import { fuzzSeed, packetStream } from '../helpers/packets.ts'
import { arena } from './arena.ts'

const attack = arena({ handler: { receiveMaximum: 20, maximumInflight: 5, maximumQueuedMessages: 20 } })

/** Legal packets of any version in any order, about half of them damaged. The broker must not throw. */
it('damaged packets end their own connections alone', async () => {
  const random = randomBelow(fuzzSeed)
  const streams = fc.sample(packetStream, { numRuns: runs(600), seed: fuzzSeed })
  for (let first = 0; first < streams.length; first += 30) {
    const batch = streams.slice(first, first + 30)
    const attackers = await Promise.all(batch.map(({ version }) => attack.open(version)))
    for (const [index, { packets }] of batch.entries()) {
      const [connect, ...rest] = packets
      const damaged = rest.map((bytes) => (random(3) === 0 ? mutated(Buffer.from(bytes), random) : bytes))
      const start = random(8) === 0 ? mutated(Buffer.from(connect!), random) : connect!
      attackers[index]!.send(start, ...damaged)
      attackers[index]!.raw.socket.end()
    }
    await Promise.all(attackers.map((attacker) => attacker.raw.closed))
    expect(attack.log.at('error')).toEqual([])
  }
})
