import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect } from 'vitest'

const docs = resolve(import.meta.dirname, '../../docs')

/** Every test that a cell of a page in docs names exists: `[file](path): “title”, “title”; [file](path): “title”`. */
export const expectNamedTests = (cell: string): void => {
  for (const place of cell.split('; [')) {
    const [, file, titles] = place.match(/\]\(([^)]+)\): (.+)/)!
    const source = readFileSync(resolve(docs, file!), 'utf8')
    const named = [...titles!.matchAll(/“([^”]+)”/g)].map(([, title]) => title!)
    expect(named.length).toBeGreaterThan(0)
    expect(named.filter((title) => !source.includes(title))).toEqual([])
  }
}
