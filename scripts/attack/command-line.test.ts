import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, it } from 'vitest'
import { attacks } from './attacks.ts'
import { type AttackCommand, parseAttackCommand } from './command-line.ts'
import { affordable } from './open-files.ts'

const defaults: AttackCommand = { list: false, short: false, attacks: [], attackers: undefined, seconds: 10 }

it.each<[string[], Partial<AttackCommand>]>([
  [[], {}],
  [['--list'], { list: true }],
  [['--short'], { short: true, seconds: 2 }],
  [['--short', '--seconds', '1.5'], { short: true, seconds: 1.5 }],
  [['--attack', 'half-open,slowloris', '--attack', 'none'], { attacks: ['half-open', 'slowloris', 'none'] }],
  [['--attackers', '20000'], { attackers: 20_000 }],
])('the command line of npm run attack reads %j', (args, changes) => {
  expect(parseAttackCommand(args)).toEqual({ kind: 'options', options: { ...defaults, ...changes } })
})

it.each([
  [['--attackers', '0'], "--attackers takes a whole number from 1 to 20000, not '0'."],
  [['--seconds', '0'], "--seconds takes a number from 1 to 600, not '0'."],
  [['--frobnicate'], "Unknown option '--frobnicate'"],
])('refuses %j', (args, text) => {
  expect(parseAttackCommand(args)).toMatchObject({ kind: 'mistake', text: expect.stringContaining(text) })
})

it('helps', () => {
  expect(parseAttackCommand(['--help'])).toMatchObject({ kind: 'help', text: expect.stringContaining('--short') })
})

it('takes no more attackers than there may be open files', () => {
  const limits = 'Max open files            1024                 4096                 files\n'
  expect([affordable(5_000, limits), affordable(600, limits)]).toEqual([3_696, 600])
  expect(affordable(5_000, 'Max open files            1024                 100                 files\n')).toBe(1)
  expect(affordable(5_000, 'Max open files            unlimited            unlimited            files\n')).toBe(5_000)
})

it('every attack has a name of its own, and CI runs the short form of all', () => {
  expect(new Set(attacks.map(({ name }) => name)).size).toBe(attacks.length)
  const ci = readFileSync(resolve(import.meta.dirname, '../../.ci/run'), 'utf8')
  expect(ci).toMatch(/^npm run attack -- --short$/m)
})
