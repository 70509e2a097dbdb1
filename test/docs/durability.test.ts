import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { Writable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { main as store } from '../../components/store-lmdb/commands/store-command.ts'
import { storeLmdbConfig } from '../../components/store-lmdb/config.ts'

const root = resolve(import.meta.dirname, '../..')
const docs = resolve(root, 'docs')
const page = readFileSync(resolve(docs, 'durability.md'), 'utf8')
/** The rows of the table in a section, without its head. */
const rowsOf = (heading: string): string[] => {
  const [, section] = page.match(new RegExp(`\\n## ${heading}\\n([\\s\\S]*?)(?=\\n## |$)`))!
  const [, , ...rows] = section!.split('\n').filter((line) => line.startsWith('|'))
  return rows
}

const faults = rowsOf('When something goes wrong').map((row) => row.split(' | '))
test.each(faults.map((cells) => [cells[0]!.slice(2), cells.at(-1)!]))('the tests for “%s” exist', (_, cell) => {
  const places = [...cell.matchAll(/\]\(([^)]+)\): ((?:“[^”]+”(?:, )?)+)/g)]
  expect(places.length).toBeGreaterThan(0)
  for (const [, file, titles] of places) {
    const source = readFileSync(resolve(docs, file!), 'utf8')
    for (const [, title] of titles!.matchAll(/“([^”]+)”/g)) expect(source).toContain(title)
  }
})

describe('docs/durability.md names', () => {
  test('every action of mqtt-jig store, and no other', async () => {
    let help = ''
    const write = (chunk: Buffer, _encoding: string, done: () => void) => {
      help += chunk
      done()
    }
    const stdout = new Writable({ write })
    await store(['--help'], { name: 'store' }, { stdin: process.stdin, stdout, stderr: stdout })
    const actions = [...help.matchAll(/^ {2}([a-z]+) /gm)].map(([, action]) => action!)
    const named = [...page.matchAll(/mqtt-jig store ([a-z]+)/g)].map(([, action]) => action!)
    expect([...new Set(named)].sort()).toEqual(actions.sort())
  })

  test('values of the config with their defaults', () => {
    const { path, durability, bufferedMs } = storeLmdbConfig.parse({})
    expect([path, durability]).toEqual(['data', 'commit'])
    expect(page).toContain(`\`bufferedMs\`\n(${bufferedMs.toLocaleString('en')} by default)`)
  })

  test('lines of the log as the store writes them', () => {
    const source = readFileSync(resolve(root, 'components/store-lmdb/retrying-committer.ts'), 'utf8')
    const lines = [
      'The store could not write to data: ',
      'The store wrote to data again. Nothing is lost',
      'A commit to data took 1532 ms. The disk is slow',
    ]
    for (const line of lines) {
      expect(page).toContain(line)
      for (const part of line.split(/data|1532/)) expect(source).toContain(part)
    }
  })
})

test('.ci/run kills the broker as often as the page says', () => {
  const [, count] = readFileSync(resolve(root, '.ci/run'), 'utf8').match(/npm run crash -- --count (\d+)/)!
  expect(page).toContain(`\`.ci/run\` does so ${count} times`)
})
