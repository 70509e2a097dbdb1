import { createHash } from 'node:crypto'
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { AuthenticationAnswer } from '../../src/kinds/authenticator.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { createSystem } from '../../src/system/lifecycle.ts'
import { peerAt } from '../../test/helpers/peer-at.ts'
import { RecordingLogger } from '../../test/helpers/recording-logger.ts'
import { passwordFileConfig } from './config.ts'
import { passwordFile } from './index.ts'
import { PasswordFile } from './password-file.ts'

const salt = Buffer.alloc(12, 1)
const hashOf = (password: string): string =>
  `$6$${salt.toString('base64')}$${createHash('sha512').update(password).update(salt).digest('base64')}`
const linesOf = (users: Readonly<Record<string, string>>): string =>
  Object.entries(users)
    .map(([name, password]) => `${name}:${hashOf(password)}\n`)
    .join('')

const peer = peerAt('127.0.0.1:1')
let folder: string
let path: string
let log: RecordingLogger
let opened: PasswordFile | undefined
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'password-file-'))
  path = join(folder, 'passwords')
  log = new RecordingLogger()
})
afterEach(async () => {
  opened?.stop()
  opened = undefined
  await rm(folder, { recursive: true })
})

const write = (text: string): Promise<void> => writeFile(path, text, { mode: 0o600 })
const open = async (users?: Readonly<Record<string, string>>, more: object = {}): Promise<PasswordFile> => {
  if (users !== undefined) await write(linesOf(users))
  opened = await PasswordFile.open('passwordFile', passwordFileConfig.parse({ path, ...more }), log)
  return opened
}
const ask = async (file: PasswordFile, userName?: string, text?: string): Promise<AuthenticationAnswer> =>
  file.authenticate({ clientId: 'c', userName, password: text === undefined ? undefined : Buffer.from(text), peer })
/** The identity of a client that was allowed. */
const identityOf = async (file: PasswordFile, userName: string, password: string) => {
  const answer = await ask(file, userName, password)
  if (answer.result !== 'allow') throw new Error(`${userName} was not allowed`)
  return { clientId: 'c', userName: answer.userName, peer, attributes: answer.attributes }
}

describe('a client', () => {
  it.each([
    ['the right password', 'ann', 'pencil', { result: 'allow', userName: 'ann' }],
    ['a wrong password', 'ann', 'paper', { result: 'deny', why: 'the password is wrong' }],
    ['an empty password', 'ann', '', { result: 'deny', why: 'the password is wrong' }],
    ['no password', 'ann', undefined, { result: 'deny', why: 'the client sent no password' }],
    ['an unknown user name', 'bob', 'pencil', { result: 'pass' }],
    ['an unknown user name and no password', 'bob', undefined, { result: 'pass' }],
    ['no user name', undefined, 'pencil', { result: 'pass' }],
    ['nothing', undefined, undefined, { result: 'pass' }],
  ])('with %s', async (_, userName, password, expected) => {
    expect(await ask(await open({ ann: 'pencil' }), userName, password)).toMatchObject(expected)
  })

  it('is counted by its answer', async () => {
    const file = await open({ ann: 'pencil' })
    for (const [name, password] of [
      ['ann', 'pencil'],
      ['ann', 'pencil'],
      ['ann', 'x'],
      ['bob', 'x'],
    ]) {
      await ask(file, name, password)
    }
    expect(file.counters).toMatchObject({ allowed: 2, fromCache: 1, wrongPasswords: 1, unknownUsers: 1, hashed: 3 })
  })

  it('is refused with Server busy when too many passwords wait, which is logged once a minute', async () => {
    const file = await open({ ann: 'pencil' }, { maximumHashing: 1, maximumQueued: 0 })
    const answers = await Promise.all(['1', '2', '3'].map((password) => ask(file, 'ann', password)))
    expect(answers.map((answer) => answer.result === 'deny' && answer.reasonCode)).toEqual([
      undefined,
      ReasonCode.ServerBusy,
      ReasonCode.ServerBusy,
    ])
    expect(file.counters).toMatchObject({ refusedBusy: 2, wrongPasswords: 1 })
    expect(log.at('warn').map(({ message }) => message)).toEqual([expect.stringContaining('Server busy (0x89)')])
  })
})

describe('a file that changes', () => {
  it('is read again: a removed user and an old password are no longer accepted', async () => {
    const file = await open({ ann: 'a', bob: 'b', carl: 'c' })
    let revocations = 0
    file.onRevocation(() => (revocations += 1))
    const names = ['ann', 'bob', 'carl'] as const
    const clients = await Promise.all(names.map((name) => identityOf(file, name, name[0]!)))
    const accepted = () => clients.map((client) => file.accepts(client))
    await write(linesOf({ ann: 'a', bob: 'b', carl: 'c', dora: 'd' }))
    expect(await file.refresh()).toBe(`${path}: 4 users: 1 added`)
    expect([revocations, accepted()]).toEqual([0, [true, true, true]])
    await write(linesOf({ ann: 'a', bob: 'new', dora: 'd' }))
    expect(await file.refresh()).toBe(`${path}: 3 users: 1 changed, 1 removed`)
    expect([revocations, accepted()]).toEqual([1, [true, false, false]])
    expect(await file.refresh()).toBeUndefined()
    expect(await ask(file, 'bob', 'b')).toMatchObject({ result: 'deny' })
    expect(file.accepts(await identityOf(file, 'bob', 'new'))).toBe(true)
    expect(file.accepts({ clientId: 'c', userName: 'ann', peer })).toBe(false)
    expect(file.accepts({ clientId: 'c', userName: undefined, peer })).toBe(false)
  })

  it('is noticed by itself', async () => {
    vi.useFakeTimers()
    try {
      const file = await open({ ann: 'a' })
      const revoked = new Promise<void>((resolve) => file.onRevocation(resolve))
      await write('')
      vi.advanceTimersByTime(6_000)
      await revoked
      expect(file.list()).toEqual([])
    } finally {
      vi.useRealTimers()
    }
  })

  it.each([
    ['has bad lines', () => write(`${linesOf({ ann: 'a' })}bob:pencil\nwords\n`), /line 2 .*'bob'\nline 3 /],
    ['is missing', () => rm(path), /write an empty one to remove all users/],
    ['is too large', () => write(`#${'x'.repeat(1_024)}`), /has more than 1024 bytes \(maximumFileBytes\)/],
  ])('and then %s keeps the previous users, and logs an error', async (_, change, why) => {
    const file = await open({ ann: 'a', carl: 'c' }, { maximumFileBytes: 1_024 })
    const ann = await identityOf(file, 'ann', 'a')
    await change()
    await expect(file.refresh()).rejects.toThrow(why)
    expect(file.list()).toEqual(['ann', 'carl'])
    expect(file.accepts(ann)).toBe(true)
    expect(await ask(file, 'carl', 'c')).toMatchObject({ result: 'allow' })
    const [line] = log.at('error')
    expect(line!.message).toBe(`Failed to read ${path}; the previous users stay in force`)
    expect((line!['err'] as Error).message).toMatch(why)
    expect((line!['err'] as Error).message).not.toContain('pencil')
    expect(file.counters.failedReads).toBe(1)
  })

  it('may be emptied: there are no users then, and a blank line is not one', async () => {
    const file = await open({ ann: 'a' })
    await write('\n\n')
    await file.refresh()
    for (const [name, password] of [
      ['', ''],
      ['', undefined],
      ['ann', 'a'],
      ['\n', ''],
    ] as const) {
      expect((await ask(file, name, password)).result).toBe('pass')
    }
  })
})

describe('at the start', () => {
  it('a file that has bad lines, or cannot be read, is refused', async () => {
    await write('ann:pencil\n')
    await expect(open()).rejects.toThrow(/bad lines:\nline 1 /)
    await expect(open(undefined, { path: folder })).rejects.toThrow('EISDIR')
  })

  it('a file that does not exist has no users, with a warning, until it is created', async () => {
    const file = await open()
    expect(log.at('warn')[0]!.message).toBe(
      `There is no password file ${path}, so there are no users. Add one: mqtt-jig passwd add NAME --file ${path}`,
    )
    expect(await ask(file, '', '')).toEqual({ result: 'pass' })
    expect(await file.refresh()).toBeUndefined()
    await write(linesOf({ ann: 'a' }))
    expect(await file.refresh()).toBe(`${path}: 1 user: 1 added`)
  })

  it('a file that all users of the machine can read is a warning', async () => {
    await write(linesOf({ ann: 'a' }))
    await chmod(path, 0o644)
    await open()
    expect(log.at('warn').map(({ message }) => message)).toEqual([expect.stringContaining('chmod o-r')])
  })
})

describe('the users', () => {
  it('are set and deleted in the file, which keeps its other lines and belongs to its owner alone', async () => {
    await write(`# people\n${linesOf({ bob: 'b' })}\n`)
    const file = await open()
    const bob = await identityOf(file, 'bob', 'b')
    await file.users.set('ann', 'pencil')
    expect(file.users.list()).toEqual(['ann', 'bob'])
    expect(await ask(file, 'ann', 'pencil')).toMatchObject({ result: 'allow' })
    expect(file.accepts(bob)).toBe(true)
    expect(await file.users.delete('bob')).toBe(true)
    expect(file.accepts(bob)).toBe(false)
    expect(await readFile(path, 'utf8')).toMatch(/^# people\n\nann:\$scrypt\$ln=15,r=8,p=1\$[^\n]+\n$/)
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect(await file.users.delete('bob')).toBe(false)
  })

  it('that are set at the same time are all stored', async () => {
    const file = await open()
    await Promise.all([file.users.set('a', '1'), file.users.set('b', '2')])
    expect(file.users.list()).toEqual(['a', 'b'])
  })

  it.each([
    ['a:b', 'x', /':'/],
    ['', 'x', /no user name/],
    ['a\nb', 'x', /control/],
    ['ann', '', /password is empty/],
    ['ann', 'x\0', /U\+0000/],
    ['ann', 'x'.repeat(65_536), /65535 bytes/],
  ])('cannot be set: %j with %j', async (name, password, why) => {
    const file = await open({ bob: 'b' })
    await expect(file.users.set(name, password)).rejects.toThrow(why)
    expect(await file.users.delete(name)).toBe(false)
    expect(await readFile(path, 'utf8')).toBe(linesOf({ bob: 'b' }))
  })

  it('are not set in a file that has bad lines: it stays as it is', async () => {
    const file = await open({ bob: 'b' })
    await write('words\n')
    await expect(file.users.set('ann', 'x')).rejects.toThrow('line 1 is not name:hash')
    expect(await readFile(path, 'utf8')).toBe('words\n')
    expect(file.users.list()).toEqual(['bob'])
  })
})

it('no line of the log has a password or a hash', async () => {
  const file = await open({ ann: 'pencil' })
  await ask(file, 'ann', 'pencil')
  await ask(file, 'ann', 'wrong pencil')
  await file.users.set('bob', 'pencil')
  await write('ann:pencil\n')
  await file.refresh().catch(() => {})
  expect(log.lines.length).toBeGreaterThan(2)
  const text = log.lines.map((line) => JSON.stringify(line) + String(line['err'])).join('\n')
  expect(text).not.toMatch(/pencil|\$6\$[A-Z]|\$scrypt\$ln/)
})

it('is a component: it shows its path, its numbers, and what a refresh read', async () => {
  await write(linesOf({ ann: 'a' }))
  const { logger } = (await import('../../test/helpers/start-broker.ts')).quietSystem
  await using system = createSystem({
    logger,
    users: { component: passwordFile, config: { path }, dependencies: { logger: 'logger' } },
  })
  await system.start()
  expect(system.status().find(({ name }) => name === 'users')!.description).toBe(path)
  const numbers = () => Object.fromEntries(system.measures().map(({ measure }) => [measure.name, measure.read()]))
  expect(numbers()).toMatchObject({ known: 1, hashed: 0, allowed: 0, read: 1, failed_read: 0, queued: 0 })
  await write(linesOf({ ann: 'a', bob: 'b' }))
  expect(await system.refresh()).toEqual([{ name: 'users', change: `${path}: 2 users: 1 added` }])
  await write('bad')
  expect((await system.refresh())[0]!.error?.message).toContain('line 1 is not name:hash')
  expect(numbers()).toMatchObject({ known: 2, read: 2, failed_read: 1 })
})
