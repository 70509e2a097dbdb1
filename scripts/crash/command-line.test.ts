import { expect, test } from 'vitest'
import { parseCrashCommand } from './command-line.ts'

test('the defaults', () => {
  expect(parseCrashCommand([])).toEqual({
    kind: 'options',
    options: {
      ...{ mode: 'kills', every: 1, cuts: 200, seconds: 3600 },
      ...{ count: 200, seed: expect.any(Number), config: undefined, settings: [], publishers: 4, subscribers: 3 },
    },
  })
})

test('every option', () => {
  const args = [
    '--steps',
    '--every',
    '10',
    '--cuts',
    '20',
    '--count=20',
    '--seconds=60',
    '--seed=0',
    '--config',
    'my.config.ts',
    '--set',
    'a.b=1',
    '--set',
    'c.d=2',
  ]
  expect(parseCrashCommand([...args, '--publishers', '8', '--subscribers', '1'])).toEqual({
    kind: 'options',
    options: {
      ...{ mode: 'steps', every: 10, cuts: 20, seconds: 60 },
      count: 20,
      seed: 0,
      config: 'my.config.ts',
      settings: ['a.b=1', 'c.d=2'],
      publishers: 8,
      subscribers: 1,
    },
  })
})

test('the help names every option', () => {
  const help = parseCrashCommand(['--help'])
  for (const option of [
    'steps',
    'every',
    'power',
    'cuts',
    'count',
    'seed',
    'config',
    'set',
    'publishers',
    'subscribers',
  ]) {
    expect(help).toMatchObject({ kind: 'help', text: expect.stringContaining(`--${option}`) })
  }
})

test.each([
  [['--count', '0']],
  [['--publishers', '1']],
  [['--unknown']],
  [['--steps', '--power']],
  [['--cuts', '0']],
  [['--every', '0']],
])('%j is a mistake', (args) => {
  expect(parseCrashCommand(args)).toMatchObject({ kind: 'mistake', text: expect.stringContaining('--help') })
})
