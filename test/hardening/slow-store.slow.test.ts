import { describe, expect, it } from 'vitest'
import { packetBytes } from '../helpers/packet-bytes.ts'
import { providing, SlowStore } from '../helpers/slow-store.ts'
import { arena, holdingAtMost } from './arena.ts'
import { connectNotation, hex } from './attacker.ts'

const store = new SlowStore()
const attack = arena({
  entries: { store: { component: providing(store) } },
  handler: { receiveMaximum: 65_535, maximumQueuedMessages: 2_000, maximumQueuedBytes: 4 * 2 ** 20 },
})

/** A persistent client with a subscription, whose answers the store was made to let through. */
const persistent = async (clientId: string) => {
  const client = await attack.open(5)
  client.send(connectNotation(5, { clientId, clean: false, properties: '11 000000ff' }), '82 @ 0001 [] "kept" 01')
  const settle = setInterval(() => store.settleAll(), 5)
  await client.packet()
  await client.packet()
  clearInterval(settle)
  return client
}

/** More than fits in the buffers of the operating systems. */
const COUNT = 4_000

describe('a store that answers slowly', () => {
  it('makes acknowledgements wait until the message is durable', async () => {
    await persistent('subscriber')
    const publisher = await attack.connected(5)
    publisher.send('32 @ "kept" 0001 [] \'x\'', '34 @ "kept" 0002 [] \'x\'', 'c0 00')
    const answers: string[] = []
    const first = publisher.packet().then((packet) => answers.push(packet))
    // Those who are owed nothing durable are answered meanwhile.
    await attack.bystanderIsServed()
    await attack.bystanderIsServed()
    expect(answers.filter((packet) => /^[45]0/.test(packet))).toEqual([])
    const settle = setInterval(() => store.settleAll(), 5)
    await first
    for (let n = 0; n < 2; n++) answers.push(await publisher.packet())
    clearInterval(settle)
    expect(answers.map((packet) => packet.slice(0, 1)).sort()).toEqual(['4', '5', 'd'])
  })

  it('is not flooded: a publisher is read no faster than its answers leave', async () => {
    await persistent('flooded')
    const publisher = await attack.connected(5)
    const payload = 'x'.repeat(8_000)
    const packets = Array.from({ length: COUNT }, (_, n) => packetBytes(`32 @ "kept" ${hex(n + 1, 4)} [] '${payload}'`))
    const flood = Buffer.concat(packets.splice(0))
    await holdingAtMost(24, async () => {
      publisher.raw.socket.write(flood)
      for (let n = 0; n < 10; n++) await attack.bystanderIsServed()
    })
    // It has sent what fits in the buffers between, and the rest waits at its side.
    expect(publisher.raw.socket.writableLength).toBeGreaterThan(0)
    const settle = setInterval(() => store.settleAll(), 1)
    for (let n = 0; n < COUNT; n++) expect(await publisher.packet()).toMatch(/^40/)
    clearInterval(settle)
  })

  it('keeps CONNACK back until the session is durable, and a client that goes meanwhile does no harm', async () => {
    const waiting = await attack.open(5)
    waiting.send(connectNotation(5, { clientId: 'waiting', properties: '11 000000ff' }))
    const connack = waiting.packet().catch(() => 'closed')
    await attack.bystanderIsServed()
    waiting.destroy()
    expect(await connack).toBe('closed')
    store.settleAll()
    const again = await attack.open(5)
    const settle = setInterval(() => store.settleAll(), 5)
    again.send(connectNotation(5, { clientId: 'waiting', clean: false }))
    expect(await again.packet()).toMatch(/^20..0[01]00/)
    clearInterval(settle)
  })
})
