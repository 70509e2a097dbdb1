import { createHash } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { peerAt } from '../../test/helpers/peer-at.ts'
import { passwordFileConfig } from './config.ts'
import { newPasswordFileCounters, type PasswordFileCounters } from './counters.ts'
import { PasswordCheck } from './password-check.ts'
import { Users } from './users.ts'

const salt = Buffer.alloc(12, 1)
const hashOf = (password: string): string =>
  `$6$${salt.toString('base64')}$${createHash('sha512').update(password).update(salt).digest('base64')}`
const file = (users: Readonly<Record<string, string>>): Map<string, string> =>
  new Map(Object.entries(users).map(([name, password]) => [name, hashOf(password)]))

const peer = peerAt('127.0.0.1:1')
let users: Users
let counters: PasswordFileCounters
let check: PasswordCheck
beforeEach(() => {
  users = new Users()
  users.replace(file({ ann: 'pencil', bob: 'paper' }))
  counters = newPasswordFileCounters()
  check = new PasswordCheck(
    users,
    passwordFileConfig.parse({ path: 'p', maximumHashing: 1, maximumQueued: 2 }),
    counters,
  )
})
const ask = (name: string, password: string, from = peer) => check.check(name, Buffer.from(password), from)

/** Keeps the one place for a hash taken until the function is called. */
const occupy = (): (() => void) => {
  let release = (): void => {}
  void check.queue.run('', () => new Promise<void>((resolve) => (release = resolve)))
  return () => release()
}

describe('a password', () => {
  it('is hashed once for clients that send it at the same time, and not again for a while', async () => {
    const first = await Promise.all(Array.from({ length: 1_000 }, () => ask('ann', 'pencil')))
    expect(new Set(first)).toEqual(new Set([users.get('ann')]))
    expect(counters).toMatchObject({ hashed: 1, joined: 999, fromCache: 0 })
    expect(ask('ann', 'pencil')).toBe(users.get('ann'))
    expect(counters).toMatchObject({ hashed: 1, joined: 999, fromCache: 1 })
  })

  it('that is wrong is hashed each time, and so is one of an unknown user', async () => {
    for (const name of ['ann', 'nobody']) {
      counters.hashed = 0
      const verdicts = [await ask(name, 'wrong'), await ask(name, 'wrong'), await ask(name, 'wronger')]
      expect(verdicts).toEqual(Array(3).fill(name === 'ann' ? 'wrong' : 'unknown'))
      expect(counters.hashed).toBe(3)
    }
  })

  it('of a known user does not authenticate an unknown one that is compared with its hash', async () => {
    users.replace(file({ ann: 'pencil' }))
    expect(await ask('nobody', 'pencil')).toBe('unknown')
    expect(check.successes.size).toBe(0)
  })

  it('and a name cannot be cut at another place', async () => {
    users.replace(file({ a: 'bc', ab: 'x' }))
    expect(await ask('a', 'bc')).toBe(users.get('a'))
    expect(await ask('ab', 'c')).toBe('wrong')
  })

  it('that was right is hashed again when the hash of its user changed', async () => {
    await ask('ann', 'pencil')
    users.replace(file({ ann: 'pencil 2', bob: 'paper' }))
    expect(await ask('ann', 'pencil')).toBe('wrong')
    users.replace(file({ bob: 'paper' }))
    expect(await ask('ann', 'pencil')).toBe('unknown')
    expect(counters.fromCache).toBe(0)
  })

  it('that was right is known still when other users changed', async () => {
    await ask('ann', 'pencil')
    users.replace(file({ ann: 'pencil', carl: 'x' }))
    expect(ask('ann', 'pencil')).toBe(users.get('ann'))
  })

  it.each([
    ['was changed', { ann: 'new', bob: 'paper' }, 'wrong'],
    ['was deleted', { bob: 'paper' }, 'unknown'],
  ])('counts as the file is when it has been hashed: its user %s while it waited', async (_, now, expected) => {
    const release = occupy()
    const old = ask('ann', 'pencil')
    const changed = ask('ann', 'new')
    users.replace(file(now))
    release()
    expect(await old).toBe(expected)
    expect(await changed).toBe(users.get('ann') ?? 'unknown')
    expect(check.successes.size).toBe('ann' in now ? 1 : 0)
  })

  it('is compared as it was sent, also when its memory is used for something else while it waits', async () => {
    const release = occupy()
    const lent = Buffer.from('pencil')
    const verdict = check.check('ann', lent, peer)
    lent.fill(0)
    release()
    expect(await verdict).toBe(users.get('ann'))
  })

  it('for which there is no room is refused, with all that joined it, and those that are known are not', async () => {
    await ask('bob', 'paper')
    const release = occupy()
    const waiting = [ask('a', '1'), ask('b', '2')]
    const refused = [ask('ann', 'pencil'), ask('ann', 'pencil')]
    expect(await Promise.all(refused)).toEqual(['busy', 'busy'])
    expect(ask('bob', 'paper')).toBe(users.get('bob'))
    release()
    expect(await Promise.all(waiting)).toEqual(['unknown', 'unknown'])
    expect(await ask('ann', 'pencil')).toBe(users.get('ann'))
  })

  it('from another address finds room when one address has filled the queue', async () => {
    const release = occupy()
    const attacker = peerAt('192.0.2.7:5')
    const guesses = [ask('ann', '1', attacker), ask('ann', '2', attacker)]
    const honest = ask('ann', 'pencil')
    release()
    expect(await honest).toBe(users.get('ann'))
    expect(await Promise.all(guesses)).toEqual(['busy', 'wrong'])
  })
})

describe('the hash that stands in for an unknown user', () => {
  it('is of the forms that the file has, and the same for the same name', () => {
    const names = Array.from({ length: 50 }, (_, index) => `nobody ${index}`)
    const standIns = names.map((name) => users.standInFor(name))
    expect(standIns).toEqual(names.map((name) => users.standInFor(name)))
    expect(new Set(standIns)).toEqual(new Set([users.get('ann')!.hash, users.get('bob')!.hash]))
  })

  it('costs as much as a hash that passwd writes when there are no users', () => {
    users.replace(new Map())
    expect(users.standInFor('nobody')).toMatch(/^\$scrypt\$ln=15,r=8,p=1\$/)
  })
})
