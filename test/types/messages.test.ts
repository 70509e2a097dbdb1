/**
 * What the compiler says about mistakes in a system. Each file in `fixtures` makes one; a comment under the offending word
 * holds the message, with `...` for the parts that may be anything:
 *
 *     dependencies: { log: 'logg' },
 *     //              ^ error: Type '"logg"' is not assignable to type '"log" | ...
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { compile } from './compile.ts'

const folder = join(import.meta.dirname, 'fixtures')
const fixtures = readdirSync(folder).filter((file) => file.endsWith('.ts'))

interface Message {
  /** `wrong-kind.ts(10,21)`: the line and the column, both from 1. */
  readonly place: string
  readonly text: string
}

const expectedMessages = (file: string): readonly Message[] => {
  const lines = readFileSync(join(folder, file), 'utf8').split('\n')
  return lines.flatMap((line, index) => {
    const marker = /^(?<before>\s*\/\/\s*)\^ error: (?<text>.*)$/.exec(line)?.groups
    // `index`, counted from 0, is the number of the line above, counted from 1.
    return marker ? [{ place: `${file}(${index},${marker['before']!.length + 1})`, text: marker['text']! }] : []
  })
}

const reportedMessages = (output: string): readonly Message[] =>
  output
    .trim()
    .split(/\n(?! )/)
    .filter((message) => message !== '')
    .map((message) => {
      const parts = /^.*?(?<place>[^/\\]+\(\d+,\d+\)): error TS\d+: (?<text>.*)$/s.exec(message)?.groups
      if (!parts) throw new Error(`not a message of the compiler: ${message}`)
      return { place: parts['place']!, text: parts['text']!.replace(/\s+/g, ' ') }
    })

/** An expected text as it is compared: each `...` in it stands for anything, also for nothing. */
const pattern = (text: string): RegExp =>
  new RegExp(
    `^${text
      .split(/ ?\.\.\. ?/)
      .map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
      .join('.*')}$`,
  )

describe('the messages of the compiler', () => {
  let reported: readonly Message[] = []

  beforeAll(async () => {
    reported = reportedMessages((await compile(folder)).output)
  })

  for (const file of fixtures) {
    const expected = expectedMessages(file)
    it(`${file}: ${expected.map(({ text }) => text).join(' and ') || 'nothing'}`, () => {
      const found = reported.filter(({ place }) => place.startsWith(`${file}(`))
      expect(found.map(({ place }) => place)).toEqual(expected.map(({ place }) => place))
      for (const [index, { text }] of expected.entries()) expect(found[index]?.text).toMatch(pattern(text))
    })
  }

  it('are about the fixtures alone', () => {
    expect(reported.filter(({ place }) => !fixtures.some((file) => place.startsWith(`${file}(`)))).toEqual([])
  })
})
