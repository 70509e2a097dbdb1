import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { FakeProcess } from '../test/helpers/fake-process.ts'
import { leaveProcess } from './leave-process.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

test('the process may end by itself for a second, with the code', () => {
  const host = new FakeProcess()
  leaveProcess(3, undefined, host)
  expect(host.exitCode).toBe(3)
  vi.advanceTimersByTime(999)
  expect(host.ends).toEqual([])
})

test.each([
  [['TCPSocketWrap', 'PipeWrap'], 'TCPSocketWrap'],
  [['TTYWrap'], 'unknown'],
])('then what keeps it open (%j) is printed to stderr, and it is ended', (resources, named) => {
  let said = ''
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    said += text
    return true
  })
  const host = new FakeProcess()
  host.resources = resources
  leaveProcess(3, undefined, host)
  vi.advanceTimersByTime(1_000)
  expect(said).toBe(`Something that a component left open keeps the process from ending (${named}); ending it.\n`)
  expect(host.ends).toEqual(['exit 3'])
})
