import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'

/** Files of a test in a folder of their own, which is removed after all tests of the file. */
export const textFiles = (files: Readonly<Record<string, string>>): ((name: string) => string) => {
  const folder = mkdtempSync(join(tmpdir(), 'mqtt-jig-files-'))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text, { mode: 0o600 })
  afterAll(() => rmSync(folder, { recursive: true }))
  return (name) => join(folder, name)
}
