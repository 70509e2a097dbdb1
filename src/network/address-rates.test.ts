import { expect, it } from 'vitest'
import { AddressRates } from './address-rates.ts'

const taken = (rates: AddressRates, key: string, times: number, nowMs: number): number =>
  Array.from({ length: times }, () => rates.take(key, nowMs)).filter(Boolean).length

it('an address has as many events at once as its burst allows, and then its rate', () => {
  const rates = new AddressRates({ rate: 2, burst: 10, maximumAddresses: 100 })
  expect(taken(rates, '192.0.2.7', 12, 0)).toBe(10)
  expect(taken(rates, '192.0.2.8', 1, 0)).toBe(1)
  expect(taken(rates, '192.0.2.7', 5, 1_000)).toBe(2)
  expect(taken(rates, '192.0.2.7', 20, 60_000)).toBe(10)
})

it('without a limit nothing is counted', () => {
  const rates = new AddressRates({ rate: null, burst: 1, maximumAddresses: 100 })
  expect([taken(rates, '192.0.2.7', 1_000, 0), rates.tracked]).toEqual([1_000, 0])
})

it('addresses that have all of their burst again are forgotten', () => {
  const rates = new AddressRates({ rate: 1, burst: 10, maximumAddresses: 100 })
  for (let host = 1; host <= 50; host += 1) rates.take(`192.0.2.${host}`, host)
  expect(rates.tracked).toBe(50)
  for (let count = 0; count < 50; count += 1) rates.take('198.51.100.1', 60_000)
  expect(rates.tracked).toBe(1)
})

it('a limited number of addresses is remembered: those that connected last', () => {
  const rates = new AddressRates({ rate: 1, burst: 1, maximumAddresses: 3 })
  for (const key of ['a', 'b', 'c', 'a', 'd', 'e']) rates.take(key, 0)
  expect(rates.tracked).toBe(3)
  expect(rates.take('a', 0)).toBe(false)
  expect(rates.take('c', 0)).toBe(true)
})

it('a look counts nothing', () => {
  const rates = new AddressRates({ rate: 1, burst: 1, maximumAddresses: 3 })
  expect([rates.has('a', 0), rates.has('a', 0), rates.tracked]).toEqual([true, true, 0])
  rates.take('a', 0)
  expect([rates.has('a', 0), rates.has('b', 0), rates.has('a', 1_000)]).toEqual([false, true, true])
})
