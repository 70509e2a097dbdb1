import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Store } from '../../src/kinds/store.ts'
import { Message } from '../../src/mqtt/message.ts'
import { restoredState } from '../helpers/restored-state.ts'
import { messageParts, queuedMessage, sessionRecord, subscriptionTo, will } from '../helpers/store-records.ts'
import { storeModelContract } from './store-model.ts'
import { storePressureContract } from './store-pressure.ts'
import { storeReadsContract } from './store-reads.ts'
import { storeReopenedContract } from './store-reopened.ts'
import { driving, durable, type StoreUnderTest } from './store-under-test.ts'

/** What every Store promises (src/kinds/store.ts). */
export const storeContract = <S extends Store>(name: string, underTest: StoreUnderTest<S>): void => {
  describe(`${name}, as a Store`, () => {
    const { create, reopen, press, obstruct, dispose } = underTest
    let store: S
    beforeEach(async () => {
      store = await create()
      expect(await restoredState(store)).toEqual({ sessions: [], retained: [] })
    })
    afterEach(async () => {
      await dispose?.(store)
    })

    const { append, begin, queue, sequences, at } = driving(() => store)

    describe('the queue of a session', () => {
      beforeEach(() => begin('a', 'b'))

      it('gives a message back as it was appended, at once', () => {
        const message = Message.of({
          topic: 'grüße/🌍',
          payload: Buffer.from([0, 255, 10]),
          properties: Buffer.from('260001610001620900020001', 'hex'),
          qos: 2,
          retain: true,
          expiresAtMs: 1_700_000_000_000.25,
        })
        const queued = queuedMessage({
          sequence: 7,
          message,
          qos: 2,
          retain: true,
          subscriptionIdentifiers: [1, 268_435_455],
          shared: '$share/g/grüße/+',
          queuedAtMs: 1_700_000_000_001.5,
          packetIdentifier: 65_535,
        })
        append({ type: 'queued', session: 'a', queued })
        const [found] = store.read('a', 0, 10)
        expect({ ...found, message: messageParts(found!.message) }).toEqual({
          ...queued,
          message: messageParts(message),
        })
      })

      it('takes a message without payload, properties or expiry', () => {
        append({ type: 'queued', session: 'a', queued: queuedMessage({ message: Message.of({ topic: '/' }) }) })
        const { message, shared, subscriptionIdentifiers } = at('a', 1)
        expect(messageParts(message)).toEqual(messageParts(Message.of({ topic: '/' })))
        expect([shared, subscriptionIdentifiers]).toEqual([undefined, []])
      })

      it('keeps the order of the sequence numbers, with gaps and across powers of ten and two', () => {
        const numbers = [1, 2, 9, 10, 11, 99, 100, 255, 256, 257, 65_535, 65_536, 2 ** 31, 2 ** 32, 2 ** 40]
        queue('a', ...numbers)
        expect(sequences('a')).toEqual(numbers)
        expect(sequences('a', 256)).toEqual(numbers.slice(9))
        expect(sequences('a', 200, 2)).toEqual([255, 256])
      })

      it('begins behind the number it is given, there or not, and ends at the limit', () => {
        queue('a', 2, 4, 6, 8)
        expect(sequences('a', 0)).toEqual([2, 4, 6, 8])
        expect(sequences('a', 2)).toEqual([4, 6, 8])
        expect(sequences('a', 3)).toEqual([4, 6, 8])
        expect(sequences('a', 3, 2)).toEqual([4, 6])
        expect(sequences('a', 3, 0)).toEqual([])
        expect(sequences('a', 8)).toEqual([])
        expect(sequences('a', 1_000_000)).toEqual([])
      })

      it('is the own one of each session', () => {
        begin('a/b', 'aa', 'ab')
        queue('a', 1, 2)
        queue('b', 1, 2, 3)
        queue('aa', 1)
        append({ type: 'done', session: 'b', sequence: 2 })
        expect(['a', 'b', 'aa', 'ab', 'a/b'].map((id) => sequences(id))).toEqual([[1, 2], [1, 3], [1], [], []])
      })

      it('loses messages from the front, from the middle and from the end', () => {
        queue('a', 1, 2, 3, 4, 5)
        for (const sequence of [1, 3, 5]) append({ type: 'done', session: 'a', sequence })
        expect(sequences('a')).toEqual([2, 4])
        expect(sequences('a', 2)).toEqual([4])
        queue('a', 6)
        expect(sequences('a')).toEqual([2, 4, 6])
      })

      it('bears a message that is done twice, or was never there', () => {
        queue('a', 1, 2)
        for (const sequence of [1, 1, 3, 0]) append({ type: 'done', session: 'a', sequence })
        append(
          { type: 'sent', session: 'a', sequence: 1, packetIdentifier: 5 },
          { type: 'pubrec', session: 'a', sequence: 1, pubrecOrder: 1 },
        )
        expect(sequences('a')).toEqual([2])
      })

      it('can be emptied and filled again', () => {
        for (let sequence = 1; sequence <= 200; sequence += 1) {
          queue('a', sequence)
          if (sequence % 3 === 0)
            for (const done of [0, 1, 2]) append({ type: 'done', session: 'a', sequence: sequence - done })
        }
        expect(sequences('a')).toEqual([199, 200])
      })

      it('is read page by page while messages come and go', () => {
        queue('a', ...numbersTo(10))
        const seen: number[] = []
        for (let last = 0, next = 11; ; ) {
          const page = store.read('a', last, 4)
          if (page.length === 0) break
          seen.push(...page.map(({ sequence }) => sequence))
          last = seen.at(-1)!
          append({ type: 'done', session: 'a', sequence: page[0]!.sequence })
          if (next <= 20) queue('a', next++, next++)
        }
        expect(seen).toEqual(numbersTo(20))
      })

      it('does not change a page that was read', () => {
        queue('a', 1, 2)
        const page = store.read('a', 0, 10)
        append(
          { type: 'sent', session: 'a', sequence: 1, packetIdentifier: 9 },
          { type: 'done', session: 'a', sequence: 2 },
        )
        queue('a', 3)
        expect(page.map(({ sequence, packetIdentifier }) => [sequence, packetIdentifier])).toEqual([
          [1, 0],
          [2, 0],
        ])
      })

      it('remembers what was sent, under which Packet Identifier, and what was received', () => {
        queue('a', 1, 2, 3)
        append(
          { type: 'sent', session: 'a', sequence: 1, packetIdentifier: 10 },
          { type: 'sent', session: 'a', sequence: 2, packetIdentifier: 11 },
          { type: 'pubrec', session: 'a', sequence: 2, pubrecOrder: 7 },
        )
        const states = store.read('a', 0, 9).map(({ packetIdentifier, pubrecOrder }) => [packetIdentifier, pubrecOrder])
        expect(states).toEqual([
          [10, 0],
          [11, 7],
          [0, 0],
        ])
        expect(at('a', 1).message.payload.toString()).toBe('message 1')
      })

      it('does not touch the record it was given', () => {
        const queued = Object.freeze(queuedMessage({ sequence: 1 }))
        append(
          { type: 'queued', session: 'a', queued },
          { type: 'sent', session: 'a', sequence: 1, packetIdentifier: 3 },
          { type: 'pubrec', session: 'a', sequence: 1, pubrecOrder: 1 },
        )
        expect([queued.packetIdentifier, queued.pubrecOrder, queued.message.topic]).toEqual([0, 0, 'topic'])
      })
    })

    describe('sessions', () => {
      it('end with all that is their own', () => {
        begin('a', 'b')
        queue('a', 1, 2)
        queue('b', 1)
        append({ type: 'session-ended', session: 'a' })
        expect([sequences('a'), sequences('b')]).toEqual([[], [1]])
        begin('a')
        expect(sequences('a')).toEqual([])
        queue('a', 1)
        expect(sequences('a')).toEqual([1])
      })

      it('may be ended if there is none, and records for unknown sessions have no effect', () => {
        append(
          { type: 'session-ended', session: 'a' },
          { type: 'session-ended', session: 'a' },
          { type: 'subscribed', session: 'a', subscription: subscriptionTo('x') },
          { type: 'unsubscribed', session: 'a', filter: 'x' },
          { type: 'sent', session: 'a', sequence: 1, packetIdentifier: 1 },
          { type: 'pubrec', session: 'a', sequence: 1, pubrecOrder: 1 },
          { type: 'done', session: 'a', sequence: 1 },
          { type: 'received', session: 'a', packetIdentifier: 1 },
          { type: 'released', session: 'a', packetIdentifier: 1 },
          { type: 'retained-removed', topic: 'x' },
        )
        queue('a', 1)
        expect(sequences('a')).toEqual([])
        begin('a')
        expect(sequences('a')).toEqual([])
      })

      it('keep their messages when they change', () => {
        begin('a')
        queue('a', 1, 2)
        append({ type: 'session', session: sessionRecord({ id: 'a', disconnectedAtMs: 5, will: will('w') }) })
        expect(sequences('a')).toEqual([1, 2])
      })
    })

    describe('batches', () => {
      it('become durable, and it says so, but never from within append', async () => {
        let appending = false
        let calledWithin = 0
        const calls: number[] = []
        const listener = () => {
          if (appending) calledWithin += 1
          calls.push(store.durableBatch)
        }
        store.onDurable(listener)
        const batches: number[] = []
        for (let turn = 0; turn < 3; turn += 1) {
          appending = true
          begin('a')
          queue('a', turn + 1)
          appending = false
          batches.push(store.batch)
          await new Promise(setImmediate)
        }
        await durable(store, listener)
        expect(calledWithin).toBe(0)
        expect(store.durableBatch).toBeGreaterThanOrEqual(batches.at(-1)!)
        expect(batches).toEqual(batches.toSorted((a, b) => a - b))
        expect(calls).toEqual(calls.toSorted((a, b) => a - b))
        expect(new Set(calls).size).toBe(calls.length)
      })

      it('notify only the last listener', async () => {
        let former = 0
        store.onDurable(() => {
          former += 1
        })
        store.onDurable(() => undefined)
        begin('a')
        await durable(store)
        expect(former).toBe(0)
      })
    })

    describe('pressure', () => {
      it('is none in a store that was given next to nothing', async () => {
        begin('a')
        await durable(store)
        expect(store.pressure).toBe('none')
      })

      describe.skipIf(press === undefined)('that rises', () => storePressureContract(underTest))
    })

    describe.skipIf(reopen === undefined)('opened again', () => storeReopenedContract(underTest))

    describe.skipIf(obstruct === undefined)('that cannot be read for a while', () => storeReadsContract(underTest))

    storeModelContract(underTest)
  })
}

const numbersTo = (last: number): number[] => Array.from({ length: last }, (_, index) => index + 1)
