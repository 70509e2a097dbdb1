import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** A folder of modules within this repository, so that they find its packages. */
export class ModuleFolder {
  readonly directory: string
  #clock = 0

  constructor() {
    const parent = resolve(import.meta.dirname, '../../node_modules/.tmp')
    mkdirSync(parent, { recursive: true })
    this.directory = mkdtempSync(join(parent, 'loader-'))
  }

  /** Writes a file with a modification time of its own, so that no test depends on how fine the clock of the disk is. */
  write(name: string, text: string): void {
    const file = join(this.directory, name)
    writeFileSync(file, text)
    this.#clock += 1
    utimesSync(file, 1_000_000 + this.#clock, 1_000_000 + this.#clock)
  }

  remove(): void {
    rmSync(this.directory, { recursive: true })
  }
}
