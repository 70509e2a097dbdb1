import { createHash } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { PasswordBroker } from '../helpers/password-broker.ts'

const salt = Buffer.alloc(12, 1)
const line = (name: string, password: string): string =>
  `${name}:$6$${salt.toString('base64')}$${createHash('sha512').update(password).update(salt).digest('base64')}\n`
const people = line('ann', 'pencil') + line('bob', 'paper')

let broker: PasswordBroker
const start = async (...parameters: Parameters<typeof PasswordBroker.start>): Promise<void> => {
  broker = await PasswordBroker.start(...parameters)
}
afterEach(() => broker.stop())

/** The DISCONNECT that a client got, and nothing behind it. */
const NOT_AUTHORIZED = /^e0..87/

describe('a client of a broker with a password file', () => {
  it.each([
    [5, 'the right password', 'ann', 'pencil', 0],
    [5, 'a wrong password', 'ann', 'paper', 0x86],
    [5, 'an unknown user name', 'carl', 'pencil', 0x86],
    [5, 'no password', 'ann', undefined, 0x86],
    [5, 'neither', undefined, undefined, 0x87],
    [4, 'the right password', 'ann', 'pencil', 0],
    [4, 'a wrong password', 'ann', 'paper', 4],
    [4, 'an unknown user name', 'carl', 'pencil', 4],
    [4, 'neither', undefined, undefined, 5],
  ] as const)('of version %i with %s', async (protocolVersion, _, userName, password, code) => {
    await start(people)
    const answer = await broker.connect(userName, password, { protocolVersion })
    expect(answer.code).toBe(code)
    if (code !== 0) await answer.client.closed
  })

  it('is disconnected when its password changes, is deleted, or the file loses it; others stay', async () => {
    await start(people + line('carl', 'c') + line('dora', 'd'))
    const [ann, bob, carl, dora] = await Promise.all(
      [
        ['ann', 'pencil'],
        ['bob', 'paper'],
        ['carl', 'c'],
        ['dora', 'd'],
      ].map(([name, password]) => broker.connect(name, password, { clientId: name! })),
    )
    await broker.file.users.set('ann', 'another')
    expect(await ann!.client.rest()).toMatch(NOT_AUTHORIZED)
    await broker.file.users.delete('bob')
    expect(await bob!.client.rest()).toMatch(NOT_AUTHORIZED)
    await broker.write(line('ann', 'another') + line('dora', 'd'))
    expect(await carl!.client.rest()).toMatch(NOT_AUTHORIZED)
    dora!.client.send('c000')
    expect(await dora!.client.frame()).toBe('d000')
    expect((await broker.connect('ann', 'pencil')).code).toBe(0x86)
    expect((await broker.connect('ann', 'another')).code).toBe(0)
  })

  it('continues while the file is broken, and clients connect with the previous users', async () => {
    await start(people)
    const ann = await broker.connect('ann', 'pencil')
    await broker.write('ann:pencil\n')
    ann.client.send('c000')
    expect(await ann.client.frame()).toBe('d000')
    expect((await broker.connect('bob', 'paper', { clientId: 'bob' })).code).toBe(0)
    expect((await broker.connect('ann', '', { clientId: 'x' })).code).toBe(0x86)
  })

  it('whose password was right shortly before costs no hash', async () => {
    await start(people)
    for (let round = 0; round < 20; round += 1) expect((await broker.connect('ann', 'pencil')).code).toBe(0)
    expect(broker.file.counters).toMatchObject({ hashed: 1, fromCache: 19 })
  })

  it('that finds too many passwords waiting is refused with Server busy, which is no failed authentication', async () => {
    await start(undefined, { config: { maximumHashing: 1, maximumQueued: 0 } })
    await broker.file.users.set('ann', 'pencil')
    const guesses = Array.from({ length: 20 }, (_, index) =>
      broker.connect('ann', `${index}`, { clientId: `${index}` }),
    )
    const codes = (await Promise.all(guesses)).map(({ code }) => code)
    const busy = codes.filter((code) => code === 0x89).length
    expect(busy).toBeGreaterThan(0)
    expect(codes.filter((code) => code === 0x86)).toHaveLength(20 - busy)
    expect(broker.file.counters).toMatchObject({ refusedBusy: busy, wrongPasswords: 20 - busy })
    expect(broker.failedAuthentications).toBe(20 - busy)
  })

  it('is never a blank line of the file', async () => {
    await start(`\n   \n#comment:\n${people}\n`)
    for (const name of ['', ' ', '\n', '#comment']) {
      expect((await broker.connect(name, '')).code).toBe(0x86)
      expect((await broker.connect(name, undefined)).code).toBe(0x86)
    }
    expect(broker.file.list()).toEqual(['ann', 'bob'])
  })

  it('is refused when there is no file', async () => {
    await start(undefined)
    expect((await broker.connect('ann', 'pencil')).code).toBe(0x86)
    expect((await broker.connect(undefined, undefined)).code).toBe(0x87)
  })

  it('without a user name is let in by `anonymous`, and no other one', async () => {
    await start(people, { guests: true })
    expect((await broker.connect(undefined, undefined, { clientId: 'guest' })).code).toBe(0)
    expect((await broker.connect('carl', undefined, { clientId: 'carl' })).code).toBe(0x86)
    expect((await broker.connect('ann', 'wrong', { clientId: 'ann' })).code).toBe(0x86)
    expect((await broker.connect('ann', 'pencil', { clientId: 'ann' })).code).toBe(0)
  })

  it('leaves no password in the log', async () => {
    await start(people)
    await broker.connect('ann', 'pencil')
    await broker.connect('ann', 'a wrong word', { clientId: 'x' })
    await broker.write('ann:pencil\n')
    await broker.file.users.set('bob', 'pencil').catch(() => {})
    const text = broker.log.lines.map((each) => JSON.stringify(each) + String(each['err'])).join('\n')
    expect(text).toContain('user ann')
    expect(text).not.toMatch(/pencil|wrong word/)
  })
})
