/** `npm run log-examples`: writes the examples of docs/log.md, by running the broker and playing its clients. */

import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { playDay } from './log-examples/play-day.ts'
import { withoutChance } from './log-examples/without-chance.ts'

const page = resolve(import.meta.dirname, '../docs/log.md')

export const main = async (): Promise<number> => {
  writeFileSync(page, await logPage())
  console.log('docs/log.md is written')
  return 0
}

/** The current page: its text, with the lines that the broker writes now. */
export const logPage = async (): Promise<string> => {
  let text = readFileSync(page, 'utf8')
  for (const [format, language] of [
    ['pretty', 'text'],
    ['json', 'json'],
  ] as const) {
    const { lines, port } = await playDay(format)
    text = withExample(text, language, withoutChance(lines, port))
  }
  return text
}

/** Puts lines into the block of a language, of which the page has one. */
const withExample = (text: string, language: string, lines: readonly string[]): string => {
  const fence = '```'
  const block = new RegExp(`${fence}${language}\n[\\s\\S]*?\n${fence}`)
  if (!block.test(text)) throw new Error(`docs/log.md has no block of ${language}`)
  return text.replace(block, () => [`${fence}${language}`, ...lines, fence].join('\n'))
}
