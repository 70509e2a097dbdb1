import { expect, it } from 'vitest'
import { PartialMemory, type PartialShare } from './partial-memory.ts'

const holder = (memory: PartialMemory) => {
  const self = {
    isRefused: false,
    hold: (bytes: number) => {
      memory.hold(share, bytes)
      return self
    },
    refusePartial: () => {
      self.isRefused = true
      memory.hold(share, 0)
    },
  }
  const share: PartialShare = { holder: self, bytes: 0 }
  return self
}

it('counts what is held, and refuses nothing up to the limit', () => {
  const memory = new PartialMemory(1_000)
  const [first, second] = [holder(memory).hold(600), holder(memory).hold(100)]
  second.hold(400)
  expect([memory.bytes, memory.refused]).toEqual([1_000, 0])
  first.hold(0)
  expect([memory.bytes, first.isRefused, second.isRefused]).toEqual([400, false, false])
})

it('refuses the largest packet', () => {
  const memory = new PartialMemory(1_000)
  const many = Array.from({ length: 6 }, () => holder(memory).hold(50))
  const large = holder(memory).hold(700)
  const late = holder(memory).hold(50)
  expect([large.isRefused, late.isRefused, many.some(({ isRefused }) => isRefused)]).toEqual([true, false, false])
  expect([memory.bytes, memory.refused]).toEqual([350, 1])
})

it('refuses the oldest of several packets of the same size', () => {
  const memory = new PartialMemory(1_000)
  const all = Array.from({ length: 12 }, () => holder(memory).hold(100))
  expect(all.map(({ isRefused }) => isRefused).indexOf(false)).toBe(2)
  expect([memory.bytes, memory.refused]).toEqual([1_000, 2])
})

it('refuses the growing packet if it is the largest', () => {
  const memory = new PartialMemory(1_000)
  const small = holder(memory).hold(500)
  const growing = holder(memory).hold(100).hold(600)
  expect([memory.bytes, small.isRefused, growing.isRefused]).toEqual([500, false, true])
})
