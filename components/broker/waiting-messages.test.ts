import { expect, it } from 'vitest'
import {
  HandlerHarness,
  payloads,
  persistent,
  publishPacket,
  subscribePacket,
} from '../../test/helpers/handler-harness.ts'
import { SlowStore } from '../../test/helpers/slow-store.ts'

it('messages that are only in the store wait while it cannot be read', () => {
  const store = new SlowStore()
  const broker = new HandlerHarness({}, { store }, () => store.settleAll())
  const publisher = broker.connect({ clientId: 'publisher' })
  const publish = (...numbers: number[]) => {
    for (const n of numbers) publisher.take(publishPacket({ qos: 1, messageId: n, payload: Buffer.from(`${n}`) }))
  }
  const away = broker.connect(persistent('subscriber'))
  away.take(subscribePacket({ a: {} }))
  away.lose()
  publish(1, 2, 3)
  store.isReadable = false
  const client = broker.connect(persistent('subscriber'))
  const waiting = () => broker.core.sessions.get('subscriber')!.outbox.waiting
  expect([client.take(), waiting()]).toEqual([[], 3])
  // A batch that is durable meanwhile changes nothing.
  publish(4)
  store.settleAll()
  expect([client.take(), waiting()]).toEqual([[], 4])
  store.isReadable = true
  expect(payloads(client.take())).toEqual(['1', '2', '3', '4'])
  expect([waiting(), broker.core.awaiting]).toEqual([0, 0])
  broker.stop()
})
