import { describe, expect, it } from 'vitest'
import { checkConfig } from '../../src/system/check-config.ts'
import { defineSystem } from '../../src/system/define-system.ts'
import { type Credential, formatCredential, parseCredential } from './credential.ts'
import { scramSha256 } from './index.ts'
import { prepare } from './prepare.ts'

const key = (byte: number) => Buffer.alloc(32, byte).toString('base64')
const salt = Buffer.alloc(16, 1).toString('base64')
const good = `SCRAM-SHA-256$4096:${salt}$${key(2)}:${key(3)}`

describe('a credential', () => {
  it('is read as it is written', () => {
    const credential = parseCredential(good) as Credential
    expect(credential).toEqual({
      iterations: 4_096,
      salt: Buffer.alloc(16, 1),
      storedKey: Buffer.alloc(32, 2),
      serverKey: Buffer.alloc(32, 3),
    })
    expect(formatCredential(credential)).toBe(good)
  })

  it.each([
    ['pencil', /looks like/],
    ['', /looks like/],
    [good.replace('SHA-256', 'SHA-1'), /looks like/],
    [`${good}\n`, /looks like|ServerKey/],
    [good.replace('4096', '4095'), /fewer than 4096/],
    [good.replace('4096', '9999999999'), /more than 100000000/],
    [good.replace('4096', '04096'), /looks like/],
    [good.replace(salt, 'AAAA'), /salt/],
    [good.replace(salt, salt.slice(0, -1)), /salt/],
    [good.replace(salt, '!!!!'), /salt/],
    [good.replace(key(2), 'AAAA'), /StoredKey/],
    [good.replace(key(3), 'AAAA'), /ServerKey/],
  ])('is not %j', (text, why) => {
    expect(parseCredential(text)).toMatch(why)
  })
})

describe('the config of scramSha256', () => {
  const problems = (users: unknown) =>
    checkConfig(
      defineSystem({ scramSha256: { component: scramSha256, config: { users: users as Record<string, string> } } }),
    ).problems.map(({ path, message }) => `${path.slice(2).join('.')}: ${message}`)

  it('accepts users, and no users', () => {
    expect(problems({ ann: good, 'bob,=': good })).toEqual([])
    expect(problems({})).toEqual([])
    expect(scramSha256.describe?.(scramSha256.config.parse({ users: { ann: good } }))).toBe('1 user')
  })

  it('requires them', () => {
    expect(problems(undefined)).toHaveLength(1)
  })

  it('names the user whose credential is wrong, and does not repeat the credential', () => {
    const [problem] = problems({ ann: good, bob: 'pencil' })
    expect(problem).toMatch(/^users\.bob: a credential looks like/)
    expect(problem).not.toContain('pencil')
  })

  it('refuses names that cannot be, and two for the same user', () => {
    expect(problems({ '': good })).toEqual(['users.: the name is empty or holds characters that no name may have'])
    expect(problems({ 'a\u{7}': good })).toHaveLength(1)
    expect(problems({ ix: good, ⅸ: good })).toEqual(['users.ⅸ: another name means the same user'])
  })
})

describe('prepare', () => {
  it.each([
    ['user', 'user'],
    ['USER', 'USER'],
    ['I\u{ad}X', 'IX'],
    ['\u{aa}', 'a'],
    ['\u{2168}', 'IX'],
    ['a\u{3000}b\u{a0}c', 'a b c'],
    ['e\u{301}', 'é'],
    ['משתמש', 'משתמש'],
    ['👩‍🚀', '👩🚀'],
  ])('makes of %j %j', (text, expected) => {
    expect(prepare(text)).toBe(expected)
  })

  it.each(['', '\u{7}', '\u{7f}', 'a\u{202e}b', '\u{e000}', '\u{fffe}', '\u{d800}', '\u{2028}', '\u{ad}', '\u{fffd}'])(
    'refuses %j',
    (text) => {
      expect(prepare(text)).toBeUndefined()
    },
  )
})
