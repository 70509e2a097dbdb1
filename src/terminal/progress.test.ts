import { Writable } from 'node:stream'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Progress, progressBar } from './progress.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const output = (isTTY: boolean) => {
  let text = ''
  const stream = new Writable({
    write: (chunk, _encoding, done) => {
      text += chunk
      done()
    },
  })
  return { stream: Object.assign(stream, { isTTY }), text: () => text }
}

test('in a terminal: nothing for a second, then one line that changes, then nothing again', () => {
  const { stream, text } = output(true)
  const progress = new Progress(stream)
  progress.show(() => 'early')
  vi.advanceTimersByTime(1_000)
  progress.show(() => 'one')
  progress.show(() => 'too soon')
  vi.advanceTimersByTime(200)
  progress.show(() => 'two')
  progress.clear()
  progress.clear()
  expect(text()).toBe('\r\u001b[Kone\r\u001b[Ktwo\r\u001b[K')
})

test('elsewhere: a line every ten seconds', () => {
  const { stream, text } = output(false)
  const progress = new Progress(stream)
  vi.advanceTimersByTime(9_999)
  progress.show(() => 'early')
  vi.advanceTimersByTime(1)
  progress.show(() => 'one')
  progress.clear()
  expect(text()).toBe('one\n')
})

test.each([
  [0, 1_000, '[          ] 0 %, 0 B of 1.0 kB'],
  [500, 1_000, '[=====     ] 50 %, 500 B of 1.0 kB'],
  [2_000_000, 2_000_000, '[==========] 100 %, 2.0 MB of 2.0 MB'],
  [0, 0, '[          ] 0 %, 0 B of 0 B'],
])('a bar: %d of %d', (done, total, expected) => {
  expect(progressBar(done, total, 10)).toBe(expected)
})
