import { expect, test } from 'vitest'
import { memoryOf, parseMemory } from './memory-of.ts'

test('the memory of the store is told from other files and from anonymous memory', () => {
  const maps = [
    '55d0a000-55d0b000 r-xp 00000000 fe:00 12 /usr/bin/node\nRss:                  30 kB\nAnonymous:             0 kB\n',
    '7f00a000-7f00b000 r--s 00000000 fe:00 13 /data/data.mdb\nRss:                  50 kB\nAnonymous:             0 kB\n',
    '7f00c000-7f00d000 rw-p 00000000 00:00 0 \nRss:                  20 kB\nAnonymous:            20 kB\n',
  ].join('')
  const rollup = 'Rss:                 100 kB\nPss_Anon:             20 kB\nAnonymous:            20 kB\n'
  expect(parseMemory({ status: 'VmHWM:\t     120 kB\n', rollup, maps }, '/data/data.mdb')).toEqual({
    peak: 120 * 1024,
    resident: 100 * 1024,
    file: 80 * 1024,
    store: 50 * 1024,
    anonymous: 20 * 1024,
  })
})

test('a process that does not exist has none', () => {
  expect(memoryOf(2 ** 30, 'data.mdb')).toBeUndefined()
})
