import { describe, expect, it } from 'vitest'
import { nameProblem, parseUserLines, withUser } from './user-lines.ts'

const hash = (byte: number): string =>
  `$6$${Buffer.alloc(12, 1).toString('base64')}$${Buffer.alloc(64, byte).toString('base64')}`

const read = async (text: string | Buffer) =>
  Object.fromEntries((await parseUserLines('users', Buffer.from(text))).users)

describe('the lines of a password file', () => {
  it('are users, blank lines and comments', async () => {
    const text = `# users\n\nann:${hash(1)}\n   \n\t\n#bob:${hash(2)}\nmüller und söhne:${hash(3)}\r\n\r\ncarl:${hash(4)}`
    expect(await read(text)).toEqual({ ann: hash(1), 'müller und söhne': hash(3), carl: hash(4) })
  })

  it('may be none, and a byte order mark is no part of a name', async () => {
    expect(await read('')).toEqual({})
    expect(await read('\n\n')).toEqual({})
    expect(await read(`\ufeffann:${hash(1)}\n`)).toEqual({ ann: hash(1) })
    expect(await read(`__proto__:${hash(1)}\n`)).toEqual(Object.fromEntries([['__proto__', hash(1)]]))
  })

  it('that are bad are all reported, each with its number, and no password is repeated', async () => {
    const lines = [
      `ann:${hash(1)}`,
      'plain words',
      '',
      ':pencil',
      'bob:pencil',
      'carl:',
      `ann:${hash(2)}`,
      ` dora:${hash(1)}`,
      `e\u{7}ve:${hash(1)}`,
      `frank:${hash(1)}:pencil`,
    ]
    const text = Buffer.concat([Buffer.from(`${lines.join('\n')}\n`), Buffer.of(0x67, 0xff, 0x3a, 0x0a)])
    const error = await read(text).catch((thrown: Error) => thrown)
    expect((error as Error).message.split('\n')).toEqual([
      'users has bad lines:',
      'line 2 is not name:hash',
      'line 4 has no user name',
      "line 5 has a password that is not hashed in a known form ($scrypt$, $argon2id$, $7$ or $6$): the user is 'bob'",
      "line 6 has no password: the user is 'carl'",
      "line 7 has the name 'ann', as line 1 has",
      'line 8 has a user name that begins or ends with a space',
      'line 9 has a user name with control characters',
      "line 10 has a $6$ hash whose salt or hash is not base64: the user is 'frank'",
      'line 11 is not UTF-8',
    ])
  })

  it('that are bad are counted when there are thousands', async () => {
    const error = await read('bad\n'.repeat(5_000)).catch((thrown: Error) => thrown)
    const lines = (error as Error).message.split('\n')
    expect(lines).toHaveLength(102)
    expect(lines.at(-1)).toBe('and 4900 more')
  })

  it.each(['', 'a:b', '#a', 'a\nb', 'a\0', ' a', 'a ', 'a\u{feff}', 'u'.repeat(65_536)])('have no user %j', (name) => {
    expect(nameProblem(name)).toMatch(/user name/)
  })
})

describe('a user that is written', () => {
  const change = (text: string, name: string, newHash: string | undefined): string | undefined => {
    const content = withUser(Buffer.from(text), name, newHash)
    return content === undefined ? undefined : Buffer.from(content).toString()
  }

  it('is added at the end, also behind a line that does not end', () => {
    expect(change('', 'ann', 'HASH')).toBe('ann:HASH\n')
    expect(change('# all\n\nbob:OLD', 'ann', 'HASH')).toBe('# all\n\nbob:OLD\nann:HASH\n')
  })

  it('replaces its line, and does not change all other lines', () => {
    const text = '# ann: comes first\r\nann:OLD\nann2:X\nbob:Y\r\n\n'
    expect(change(text, 'ann', 'NEW')).toBe('# ann: comes first\r\nann:NEW\nann2:X\nbob:Y\r\n\n')
    expect(change(text, 'ann', undefined)).toBe('# ann: comes first\r\nann2:X\nbob:Y\r\n\n')
  })

  it('is not removed when it is not there', () => {
    expect(change('ann2:X\n', 'ann', undefined)).toBeUndefined()
  })
})
