import { afterEach, beforeEach, expect, it } from 'vitest'
import { HandlerHarness } from '../../test/helpers/handler-harness.ts'
import { SlowStore } from '../../test/helpers/slow-store.ts'
import { broker } from './index.ts'

let store: SlowStore
let harness: HandlerHarness
beforeEach(() => {
  store = new SlowStore()
  harness = new HandlerHarness({}, { store })
})
afterEach(() => harness.stop())

it('a broker is unready while its store cannot write, and not while it is slow', () => {
  const unready = () => broker.unready?.(harness.broker)
  expect(unready()).toBeUndefined()
  store.pressure = 'slow'
  expect(unready()).toBeUndefined()
  store.pressure = 'stuck'
  expect(unready()).toBe('the store cannot write')
  store.pressure = 'none'
  expect(unready()).toBeUndefined()
})
