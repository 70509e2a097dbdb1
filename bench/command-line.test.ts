import { expect, test } from 'vitest'
import { parseBenchCommand } from './command-line.ts'

const mistakeIn = (...args: string[]): string => {
  const command = parseBenchCommand(args)
  if (command.kind !== 'mistake') throw new Error(`${args.join(' ')} was taken`)
  return command.text
}

test('without arguments everything is measured with the defaults', () => {
  expect(parseBenchCommand([])).toEqual({
    kind: 'options',
    options: {
      action: 'run',
      cases: [],
      peers: undefined,
      rounds: 3,
      seconds: undefined,
      warmUpSeconds: undefined,
      connections: 10_000,
      json: undefined,
      profile: false,
      compare: undefined,
      watched: false,
      settings: [],
    },
  })
})

test('cases come repeated and with commas, peers as a list', () => {
  const command = parseBenchCommand(['--case', 'a,b*', '--case=c', '--peers', 'relay,mosquitto', '--set', 'a.b=1'])
  expect(command).toMatchObject({
    options: { cases: ['a', 'b*', 'c'], peers: ['relay', 'mosquitto'], settings: ['a.b=1'] },
  })
})

test('a check compares with no other broker by default', () => {
  expect(parseBenchCommand(['--check'])).toMatchObject({ options: { action: 'check', peers: [] } })
  expect(parseBenchCommand(['--check', '--peers', 'relay'])).toMatchObject({ options: { peers: ['relay'] } })
})

test.each([
  [['--cases', 'a'], /Unknown option '--cases'/],
  [['qos0-pairs'], /Unexpected argument 'qos0-pairs'/],
  [['--peers', 'vernemq'], /no peer 'vernemq'; there are mosquitto, aedes, relay, net-server, and none/],
  [['--rounds', '0'], /--rounds takes a whole number from 1 to 1000, not '0'/],
  [['--rounds', '1.5'], /--rounds takes a whole number/],
  [['--seconds', 'ten'], /--seconds takes a number from 0.1 to 86400, not 'ten'/],
  [['--seconds', ''], /not ''/],
  [['--connections', '-1'], /./],
  [['--check', '--compare', 'HEAD'], /--check measures nothing, so that it does not go with --compare/],
  [['--check', '--rounds', '2'], /--rounds/],
])('%j is a mistake', (args, text) => {
  expect(mistakeIn(...args)).toMatch(text)
  expect(mistakeIn(...args)).toMatch(/Try: npm run bench -- --help$/)
})
