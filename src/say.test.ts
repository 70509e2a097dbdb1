import { afterEach, expect, it, vi } from 'vitest'
import { say } from './say.ts'

const { isTTY } = process.stderr
afterEach(() => {
  vi.restoreAllMocks()
  process.stderr.isTTY = isTTY
})
/** What it writes to stderr. */
const said = (...what: Parameters<typeof say>): string => {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  say(...what)
  return String(write.mock.lastCall![0])
}

it('a message to the user is written in plain words in a terminal', () => {
  process.stderr.isTTY = true
  expect(said('The broker\nis running')).toBe('The broker\nis running\n')
})

it('a message to the user is written as one line of JSON otherwise, in the form of the log', () => {
  process.stderr.isTTY = false
  const text = said('It did\nnot start', 'fatal')
  expect(text).toMatch(/^\{.*\}\n$/)
  expect(JSON.parse(text)).toMatchObject({ level: 60, msg: 'It did\nnot start', pid: process.pid })
  expect(JSON.parse(said('The broker is running'))).toMatchObject({ level: 30 })
})
