import { existsSync, readdirSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'

/** The folders of code outside of a reset: a reset cannot replace the code that performs it. */
const folders = ['src/system', 'scripts/go']

/**
 * Watches the code of the container and of the dev loop.
 * @returns a function that returns a sentence about the changes since its last call; undefined if there are none.
 */
export const watchOutsideCode = (root: string): (() => string | undefined) => {
  let known = timesOf(root)
  return () => {
    const now = timesOf(root)
    const changed = [...now].filter(([file, time]) => known.get(file) !== time).map(([file]) => relative(root, file))
    known = now
    if (changed.length === 0) return undefined
    return `${changed.join(', ')} changed: restart \`npm run go\` to load the change into the container and this prompt.`
  }
}

const timesOf = (root: string): Map<string, number> => {
  // An installed package has no sources.
  const present = folders.filter((folder) => existsSync(join(root, folder)))
  const files = present.flatMap((folder) => readdirSync(join(root, folder)).map((name) => join(root, folder, name)))
  const sources = files.filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
  return new Map(sources.map((file) => [file, statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0]))
}
