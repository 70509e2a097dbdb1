/** Short forms of some attacks of `npm run floods`: how long a well-behaved client waits meanwhile. */

import { afterAll, expect, test } from 'vitest'
import { endPrograms, run } from './program.ts'

afterAll(() => endPrograms())

/** Generous: a busy machine delays by itself. Without bounds on a turn these attacks take several seconds. */
const WORST_MS = 1_000

test.each([
  ['packets of one kind', ['pingreq', 'subscribe', 'publish-qos1', 'pubrel', 'publish-qos0'], ['--attackers', '5']],
  [
    'packets that make the broker examine much state',
    ['wildcard-levels', 'shared-away', 'subscribe-many'],
    ['--scale', '0.2'],
  ],
  ['connections and sessions that end at once', ['wills', 'close-subscriptions'], []],
])('no client waits for 1 s during an attack with %s', { timeout: 300_000 }, async (_, attacks, options) => {
  const args = ['run', '--silent', 'floods', '--', '--attack', attacks.join(','), '--seconds', '2', ...options]
  const floods = run('npm', args)
  expect(await floods.ended, floods.lines.join('\n')).toBe(0)
  const rows = floods.lines.slice(2).map((line) => line.split(' | '))
  expect(rows.map(([attack]) => attack!.slice('| '.length))).toEqual(attacks)
  const slow = rows.filter((cells) => milliseconds(cells[5]!) >= WORST_MS)
  expect(slow.map((cells) => `${cells[0]}: ${cells[5]}`)).toEqual([])
})

/** Of a time in the table, `**12 ms**` or `**1.2 s**`. */
const milliseconds = (text: string): number => {
  const [, number, unit] = text.match(/^\*\*([\d.]+) (ms|s)\*\*$/)!
  return Number(number) * (unit === 's' ? 1_000 : 1)
}
