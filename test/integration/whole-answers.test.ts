/** Clients that send more than a turn takes, and end their side at once: all that they sent is answered. */

import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, it } from 'vitest'
import { packetBytes } from '../helpers/packet-bytes.ts'
import { quietSystem, startBroker } from '../helpers/start-broker.ts'

const repeat = (times: number, packet: string) => Buffer.concat(Array(times).fill(packetBytes(packet)))
const many = Array.from({ length: 150 }, (_, n) => `"f/${n}/+" 00`).join(' ')
const ROUNDS = 40

/** What a client sends in a round, and how many bytes the answers are. */
const rounds: readonly (readonly [Buffer, number])[] = [
  [repeat(30, 'c0 00'), 60],
  [repeat(20, '32 @ "f/1/x" 0001 "payload"'), 80],
  [repeat(5, '30 @ "none" "payload"'), 0],
  [packetBytes(`82 @ 0001 ${many}`), 2 + 1 + 2 + 150],
  [packetBytes(`30 @ "none" ${'00'.repeat(70_000)}`), 0],
]

it.each([1_000, 50_000])('with turnWorkUnits %i', async (turnWorkUnits) => {
  const broker = await startBroker({
    ...quietSystem,
    server: { ...quietSystem.server, config: { ...quietSystem.server.config, turnWorkUnits } },
  })
  const clients = Array.from({ length: 12 }, async (_, n) => {
    const socket = connect({ port: broker.port, host: '127.0.0.1', allowHalfOpen: true })
    let received = 0
    socket.on('data', (chunk) => {
      received += chunk.length
    })
    // What subscribers are delivered comes between their answers: they get more.
    const own = n % 2 === 0 ? rounds.slice(0, 3) : [rounds[0]!, rounds[3]!, rounds[4]!]
    let wanted = 4
    socket.write(packetBytes(`10 @ "MQTT" 04 02 0000 "c-${n}"`))
    for (let round = 0; round < ROUNDS; round += 1) {
      const [bytes, answer] = own[(round * 7 + n) % own.length]!
      wanted += answer
      socket.write(bytes)
    }
    socket.end()
    await once(socket, 'end')
    return [received, wanted, n % 2]
  })
  for (const [received, wanted, subscribes] of await Promise.all(clients)) {
    if (subscribes === 0) expect(received).toBe(wanted)
    else expect(received).toBeGreaterThanOrEqual(wanted!)
  }
  await broker.stop()
})
