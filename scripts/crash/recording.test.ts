import { expect, test } from 'vitest'
import { fileAt } from './file-at.ts'
import { Recorder } from './recording.ts'

const hex = (text: string): string =>
  Buffer.from(text)
    .toString('hex')
    .replace(/../g, (byte) => `\\x${byte}`)
const file = (descriptor: number): string => `${descriptor}<${hex('/d/data/data.mdb')}>`
const socket = `25<${hex('socket:[77]')}>`
const write = (text: string, offset: number): string => `pwrite64(${file(19)}, "${hex(text)}", 4, ${offset}) = 4`

const recordingOf = (...lines: string[]): Recorder => {
  const recorder = new Recorder()
  for (const line of lines) recorder.line(line.startsWith('#') ? line.slice(1) : `100 ${line}`)
  return recorder
}
/** Of what was not synced, all or nothing is written. */
const textAt = (recording: Recorder, line: number, isLucky: boolean): string =>
  // The first number chooses "a part", the second how large it is, and the others are compared with it.
  fileAt(recording, line, sequence(0.9, isLucky ? 1 : 0)).toString()
const sequence = (...numbers: number[]) => {
  let at = 0
  return () => numbers[at++] ?? 0.5
}

test('what is synced survives, and what is not may or may not', () => {
  const recording = recordingOf(write('aaaa', 0), `fdatasync(${file(19)}) = 0`, write('bbbb', 4))
  expect([textAt(recording, 3, false), textAt(recording, 3, true)]).toEqual(['aaaa', 'aaaabbbb'])
  // At the line of the sync it has not returned.
  expect([textAt(recording, 1, false), textAt(recording, 1, true)]).toEqual(['', 'aaaa'])
})

test('a sync does not cover a write that returned after it had begun', () => {
  const recording = recordingOf(
    `#100 pwrite64(${file(19)}, "${hex('aaaa')}", 4, 0 <unfinished ...>`,
    `#101 fdatasync(${file(19)} <unfinished ...>`,
    '#100 <... pwrite64 resumed>) = 4',
    '#101 <... fdatasync resumed>) = 0',
  )
  expect(recording.changes).toMatchObject([{ start: 0, end: 2, offset: 0 }])
  expect(recording.syncs).toEqual([{ start: 1, end: 3 }])
  expect([textAt(recording, 4, false), textAt(recording, 4, true)]).toEqual(['', 'aaaa'])
})

test('a write through O_DSYNC is synced, and no other write by it', () => {
  const recording = recordingOf(
    `openat(AT_FDCWD<${hex('/d')}>, "${hex('data/data.mdb')}", O_WRONLY|O_DSYNC|O_CLOEXEC) = ${file(20)}`,
    write('aaaa', 0),
    `pwrite64(${file(20)}, "${hex('mm')}", 2, 4) = 2`,
  )
  expect(textAt(recording, 3, false)).toBe('\0\0\0\0mm')
})

test('writes at the position of the descriptor, in several pieces, short ones, and those that failed', () => {
  const pieces = `[{iov_base="${hex('ab')}", iov_len=2}, {iov_base="${hex('cd')}", iov_len=2}]`
  const recording = recordingOf(
    `lseek(${file(19)}, 2, SEEK_SET) = 2`,
    `writev(${file(19)}, ${pieces}, 2) = 4`,
    `writev(${file(19)}, ${pieces}, 2) = 3`,
    `pwrite64(${file(19)}, "${hex('xx')}", 2, 0) = -1 ENOSPC (No space left on device)`,
    `pwritev(${file(19)}, ${pieces}, 2, 20) = 4`,
    `ftruncate(${file(19)}, 22) = 0`,
    `fdatasync(${file(19)}) = 0`,
  )
  expect(textAt(recording, 7, false)).toBe(`\0\0abcdabc${'\0'.repeat(11)}ab`)
})

test('a descriptor with O_APPEND writes at the end', () => {
  const recording = recordingOf(
    write('aaaa', 0),
    `openat(AT_FDCWD<${hex('/d')}>, "${hex('data/data.mdb')}", O_WRONLY|O_CREAT|O_APPEND|O_CLOEXEC, 0666) = ${file(20)}`,
    `write(${file(20)}, "${hex('bb')}", 2) = 2`,
    `write(${file(20)}, "${hex('cc')}", 2) = 2`,
    `fdatasync(${file(19)}) = 0`,
  )
  expect(textAt(recording, 5, false)).toBe('aaaabbcc')
})

test('each sector of a write that is not synced is there or is not', () => {
  const bytes = `${'a'.repeat(512)}${'b'.repeat(512)}`
  const recording = recordingOf(`pwrite64(${file(19)}, "${hex(bytes)}", 1024, 0) = 1024`)
  const found = fileAt(recording, 1, sequence(0.9, 0.5, 0.9, 0.1)).toString()
  expect(found).toBe(`${'\0'.repeat(512)}${'b'.repeat(512)}`)
})

test('acknowledgements are known by the line at which they began, over packets in pieces, and refusals are none', () => {
  const bytes = (text: string) => text.replace(/../g, (byte) => `\\x${byte}`)
  const recording = recordingOf(
    `write(${socket}, "${bytes('9003000102')}", 5) = 5`,
    `write(${socket}, "${bytes('40020007500200')}", 7) = 7`,
    `#100 write(${socket}, "${bytes('08')}", 1 <unfinished ...>`,
    '#101 futex(0) = 0',
    '#100 <... write resumed>) = 1',
    `writev(${socket}, [{iov_base="${bytes('4003000997')}", iov_len=5}], 1) = 5`,
  )
  expect(recording.acknowledged).toEqual([
    { at: 1, identifier: 7 },
    { at: 2, identifier: 8 },
  ])
  expect(recording.subscribed).toEqual([0])
})

test('a call that it does not know ends the recording', () => {
  expect(() => recordingOf(`fallocate(${file(19)}, 0, 0, 4096) = 0`)).toThrow('fallocate')
})
