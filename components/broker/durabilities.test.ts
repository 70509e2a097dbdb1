import { describe, expect, it } from 'vitest'
import { HandlerHarness, persistent, publishPacket, subscribePacket } from '../../test/helpers/handler-harness.ts'
import { SlowStore } from '../../test/helpers/slow-store.ts'
import { Stream } from '../../test/helpers/stream.ts'
import { Durabilities } from './durabilities.ts'

describe('several durabilities', () => {
  it('are durable when all of them are', () => {
    const [one, other] = [new Stream(), new Stream()]
    const all = new Durabilities([one, other])
    all.give(0)
    const first = all.lastBatch
    all.give(1)
    const second = all.lastBatch
    expect([second > first, all.durableBatch < first]).toEqual([true, true])
    one.settle(1)
    expect(all.durableBatch).toBe(first)
    other.settle(1)
    expect(all.durableBatch).toBe(second)
  })

  it('do not wait for one that was given nothing: its batch may stay empty, and never become durable', () => {
    const [one, other] = [new Stream(), new Stream()]
    const all = new Durabilities([one, other])
    all.give(0)
    one.settle(1)
    expect(all.durableBatch).toBe(all.lastBatch)
    one.endBatch()
    other.endBatch()
    all.give(0)
    one.settle(2)
    expect(all.durableBatch).toBe(all.lastBatch)
  })

  it('count one batch for all that is given in a batch of one of them', () => {
    const one = new Stream()
    const all = new Durabilities([one, new Stream()])
    for (let n = 0; n < 10; n += 1) all.give(0)
    expect(all.lastBatch).toBe(1)
    one.endBatch()
    all.give(0)
    expect(all.lastBatch).toBe(2)
    one.settle(1)
    expect(all.durableBatch).toBe(1)
  })
})

it('PUBACK leaves when the store and the stream have what it promises', () => {
  const store = new SlowStore()
  const stream = new Stream()
  const broker = new HandlerHarness({}, { store, durabilities: [stream] }, () => store.settleAll())
  const subscriber = broker.connect(persistent('subscriber'))
  subscriber.take(subscribePacket({ a: { qos: 1 } }))
  store.settleAll()
  const publisher = broker.connect({ clientId: 'publisher' })
  const { publish } = broker.core.router
  broker.core.router.publish = (...message) => {
    stream.record()
    return publish.apply(broker.core.router, message)
  }
  expect(publisher.take(publishPacket({ qos: 1 }))).toEqual([])
  store.settleAll()
  expect(publisher.take()).toEqual([])
  stream.endBatch()
  stream.settle()
  expect(publisher.take()).toMatchObject([{ cmd: 'puback' }])
  broker.stop()
})
