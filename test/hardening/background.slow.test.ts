import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { LocalRouter } from '../../components/router/local-router.ts'
import { type PublishResult, Router, type Subscriber } from '../../src/kinds/router.ts'
import type { Message } from '../../src/mqtt/message.ts'
import { defineComponent } from '../../src/system/define-system.ts'
import { arena } from './arena.ts'
import { connectNotation } from './attacker.ts'

/** A router with a fault: it throws upon a message on this topic. */
class FaultyRouter extends LocalRouter {
  override publish(message: Message, publisher?: Subscriber, limit?: number): PublishResult {
    if (message.topic === 'fault') throw new Error('a fault in the router')
    return super.publish(message, publisher, limit)
  }
}
const faultyRouter = defineComponent({
  provides: Router,
  needs: {},
  config: z.strictObject({}),
  start: () => new FaultyRouter(),
})
describe('a background task that fails', () => {
  const attack = arena({
    faulty: true,
    entries: { router: { component: faultyRouter } },
  })
  const will = (topic: string, delay = '00000000') => ({
    flags: 4,
    payload: `[18 ${delay}] "${topic}" <78>`,
  })

  it('is logged, and expiry continues', async () => {
    const witness = await attack.connected(5)
    await witness.subscribe('works/+')
    const persistent = '11 00000001'
    // Silence, Will Delay and the end of a session, each with a Will that fails and one that works.
    for (const topic of ['fault', 'works/silence']) {
      await attack.connected(5, { ...will(topic), keepAliveSeconds: 1 })
    }
    for (const topic of ['fault', 'works/delay']) {
      const client = await attack.connected(5, { ...will(topic, '00000001'), properties: '11 000000ff' })
      client.destroy()
    }
    for (const topic of ['fault', 'works/expiry']) {
      const client = await attack.connected(5, { ...will(topic, '000000ff'), properties: persistent })
      client.destroy()
    }
    const topics = [await witness.packet(), await witness.packet(), await witness.packet()]
    for (const topic of ['works/silence', 'works/delay', 'works/expiry']) {
      expect(topics.some((packet) => packet.includes(Buffer.from(topic).toString('hex')))).toBe(true)
    }
    // Another round: the tasks run on.
    await attack.connected(5, { ...will('fault'), keepAliveSeconds: 1 })
    await attack.connected(5, { ...will('works/again'), keepAliveSeconds: 1 })
    expect(await witness.packet()).toContain(Buffer.from('works/again').toString('hex'))
    const faults = attack.log.lines.filter(({ level, err }) => level === 'error' && err instanceof Error)
    expect(faults.map(({ err }) => String(err))).toContain('Error: a fault in the router')
  })

  it('a fault in a client’s own packet costs that client its connection alone', async () => {
    const attacker = await attack.connected(5)
    attacker.send('30 @ "fault" [] \'x\'')
    await attacker.rest()
  })

  it('a fault in the Will of a client that goes, or is taken over, keeps the identifier usable', async () => {
    const attacker = await attack.connected(5, { clientId: 'again', ...will('fault') })
    attacker.send('00 00')
    await attacker.rest()
    await attack.connected(5, { clientId: 'again', ...will('fault') })
    const taker = await attack.open(5)
    taker.send(connectNotation(5, { clientId: 'again' }))
    expect(await taker.packet()).toMatch(/^20..0000/)
    await taker.isAlive()
  })
})
