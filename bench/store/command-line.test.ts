import { expect, test } from 'vitest'
import { parseStoreBenchCommand } from './command-line.ts'

test('the defaults are those of the documented results', () => {
  expect(parseStoreBenchCommand([])).toEqual({
    kind: 'options',
    options: {
      ...{ sessions: 100_000, messages: 10, retained: 1_000_000, receivers: 10_000, payloadBytes: 128 },
      ...{ rounds: 3, repetitions: 30, profile: false, json: undefined },
    },
  })
})

test('there are never more receivers than sessions', () => {
  expect(parseStoreBenchCommand(['--sessions', '50'])).toMatchObject({ options: { sessions: 50, receivers: 50 } })
  expect(parseStoreBenchCommand(['--sessions', '50', '--receivers', '51'])).toEqual({
    kind: 'mistake',
    text: "--receivers takes a whole number from 1 to 50, not '51'.\nTry: npm run bench:store -- --help",
  })
})

test('the help names every option', () => {
  const { text } = parseStoreBenchCommand(['--help']) as { text: string }
  for (const name of ['sessions', 'messages', 'retained', 'receivers', 'payload', 'rounds', 'repetitions', 'profile'])
    expect(text).toContain(`--${name}`)
})
