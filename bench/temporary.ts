import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const directories = new Set<string>()
process.on('exit', () => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true })
})

/** Makes a temporary folder, which is removed when this process ends. */
export const temporaryDirectory = (parent = tmpdir()): string => {
  mkdirSync(parent, { recursive: true })
  const directory = mkdtempSync(join(parent, 'mqtt-jig-bench-'))
  directories.add(directory)
  return directory
}

export const removeTemporaryDirectory = (directory: string): void => {
  directories.delete(directory)
  rmSync(directory, { recursive: true, force: true })
}
