import { expect, it } from 'vitest'
import { type FloodOptions, parseFloodCommand } from './command-line.ts'

const defaults: FloodOptions = {
  list: false,
  attacks: [],
  attackers: undefined,
  seconds: undefined,
  scale: 1,
  brokers: [],
  compare: undefined,
  settings: [],
}

it.each<[string[], Partial<FloodOptions>]>([
  [[], {}],
  [['--list'], { list: true }],
  [['--attack', 'wills,pubrel', '--attack', 'none'], { attacks: ['wills', 'pubrel', 'none'] }],
  [['--attackers', '100', '--seconds', '2.5', '--scale', '0.01'], { attackers: 100, seconds: 2.5, scale: 0.01 }],
  [['--broker', 'a', '--broker', 'b', '--compare', 'v1'], { brokers: ['a', 'b'], compare: 'v1' }],
  [['--set', 'mqttHandler.maximumQoS=1'], { settings: ['mqttHandler.maximumQoS=1'] }],
])('the command line of npm run floods reads %j', (args, changes) => {
  expect(parseFloodCommand(args)).toEqual({ kind: 'options', options: { ...defaults, ...changes } })
})

it.each([
  [['--attackers', '0'], "--attackers takes a whole number from 1 to 100000, not '0'."],
  [['--attackers', '1.5'], "--attackers takes a whole number from 1 to 100000, not '1.5'."],
  [['--seconds', '601'], "--seconds takes a number from 1 to 600, not '601'."],
  [['--scale', ''], "--scale takes a number from 0.001 to 1, not ''."],
  [['--frobnicate'], "Unknown option '--frobnicate'"],
])('refuses %j', (args, text) => {
  expect(parseFloodCommand(args)).toMatchObject({ kind: 'mistake', text: expect.stringContaining(text) })
})

it('helps', () => {
  expect(parseFloodCommand(['--help'])).toMatchObject({ kind: 'help', text: expect.stringContaining('--attack NAME') })
})
