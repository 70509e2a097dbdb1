import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { growthOf, storeBytes } from './file-growth.ts'

const MIB = 1024 ** 2

it('a store that grows is told from one that varies', () => {
  expect(growthOf({ early: 40 * MIB, late: 52 * MIB })).toBeUndefined()
  expect(growthOf({ early: 40 * MIB, late: 80 * MIB })).toBe('the store grew from 40.0 MiB to 80.0 MiB')
})

it('the files of a store are those in all folders of the broker', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mqtt-jig-growth-'))
  try {
    mkdirSync(join(folder, 'data'))
    writeFileSync(join(folder, 'data', 'store'), Buffer.alloc(300))
    writeFileSync(join(folder, 'log'), Buffer.alloc(20))
    expect(storeBytes(folder)).toBe(320)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
