/**
 * Each field of what a broker hands over at a reset has a history that shows it: the history is the same when the broker is swapped in the
 * middle of it, and another one when the field is left out of the record.
 */

import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Message } from '../../src/mqtt/message.ts'
import type { AnyComponent } from '../../src/system/component.ts'
import { FIELDS, type Field, type Step } from '../../test/helpers/broker-record-fields.ts'
import { SlowStore } from '../../test/helpers/slow-store.ts'
import { SwappedBroker } from '../../test/helpers/swapped-broker.ts'
import type { BrokerState } from './broker-state.ts'
import { broker as component } from './index.ts'

beforeEach(() => {
  vi.useFakeTimers({ now: 1_700_000_000_000 })
})
afterEach(() => {
  vi.useRealTimers()
})

const play = async (broker: SwappedBroker, steps: readonly Step[], after: () => Promise<unknown>): Promise<void> => {
  for (const step of steps) {
    if (typeof step === 'function') step(broker)
    else if (typeof step === 'number') vi.advanceTimersByTime(step * 1_000)
    else broker.playNow(...step)
    await after()
  }
}

/** @param reset between the steps before and those after. @returns all that can be seen of the history. */
const historyOf = async (field: Field, reset: (broker: SwappedBroker) => Promise<void>): Promise<unknown> => {
  vi.useRealTimers()
  vi.useFakeTimers({ now: 1_700_000_000_000 })
  const { config = {}, beforeCrash = [], before, inTurn = [], after } = field
  const first = await SwappedBroker.start(config, new SlowStore())
  let broker = first
  if (beforeCrash.length > 0) {
    await play(first, beforeCrash, nextTurn)
    const store = first.store.crash()
    first.stop()
    broker = await SwappedBroker.start(config, store)
  }
  const seen: unknown[] = []
  try {
    await play(broker, before, nextTurn)
    await play(broker, inTurn, async () => undefined)
    await reset(broker)
    await play(broker, after, async () => {
      await nextTurn()
      await nextTurn()
      broker.collect()
      const { sessions, journal } = broker.broker.core
      const unreleased = [...sessions].map((session) => session.unreleased.ofConnection)
      seen.push(textOf([[...broker.sent], broker.store.pending, unreleased, journal.lastBatch]))
    })
    return { seen, ...((await broker.observe()) as object) }
  } finally {
    broker.stop()
  }
}

/** Messages have numbers of their own in each history. */
const textOf = (value: unknown): string =>
  JSON.stringify(value, (key, each) => (key === 'message' ? (each as Message).payload.toString() : each))

/** The same code loaded a second time: all of its classes are others. */
let loadedAgain: AnyComponent
beforeAll(async () => {
  vi.resetModules()
  loadedAgain = (await import('./index.ts')).broker as AnyComponent
})

/** A swap by another component. @param isUndone whether it is taken back. */
const swapTo = (other: AnyComponent, isUndone: boolean) => async (broker: SwappedBroker) => {
  broker.component = other
  await broker.swap(isUndone)
}

describe.each(FIELDS)('$field', (field) => {
  it('crosses a swap, to the same code and to code that was loaded again, and a swap that is undone', async () => {
    const expected = await historyOf(field, async () => undefined)
    expect(await historyOf(field, (broker) => broker.swap(false))).toEqual(expected)
    expect(await historyOf(field, (broker) => broker.swap(true))).toEqual(expected)
    expect(await historyOf(field, swapTo(loadedAgain, false))).toEqual(expected)
    expect(await historyOf(field, swapTo(loadedAgain, true))).toEqual(expected)
  })

  it('would be missed', async () => {
    const { handover } = component as AnyComponent
    const take = (instance: unknown, state: { readonly core: BrokerState }) =>
      handover!.take(instance as never, { ...state, core: field.dropped(state.core) })
    const forgetful = { ...component, handover: { ...handover, take } } as AnyComponent
    const expected = await historyOf(field, async () => undefined)
    const found = await historyOf(field, swapTo(forgetful, false)).catch(({ message }: Error) => {
      // It would be undone. Any other error is one of this test.
      expect(message).toContain('the census is')
    })
    expect(found).not.toEqual(expected)
  })
})
