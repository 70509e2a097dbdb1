import { expect, it, vi } from 'vitest'
import type { Authenticator } from '../../src/kinds/authenticator.ts'
import type { UserDirectory } from '../../src/kinds/user-directory.ts'
import { peerAt } from '../helpers/peer-at.ts'

const peer = peerAt('127.0.0.1:50000')

/**
 * What every Authenticator with a UserDirectory must do. The tests pass for one without.
 * @param authenticator the one of this test.
 */
export const userDirectoryContract = (authenticator: () => Authenticator): void => {
  const allows = async (userName: string, password: string): Promise<boolean> => {
    const credentials = { clientId: 'c', userName, password: new Uint8Array(Buffer.from(password)), peer }
    return (await authenticator().authenticate(credentials)).result === 'allow'
  }
  /** The directory, and how often it was said since that clients may have lost their right. */
  const directory = (): { users: UserDirectory; revocations: () => number } | undefined => {
    const { users } = authenticator()
    if (users === undefined) return undefined
    // Two handlers may use one authenticator: both are told.
    const [first, second] = [vi.fn(), vi.fn()]
    authenticator().onRevocation?.(first)
    authenticator().onRevocation?.(second)
    return { users, revocations: () => Math.min(first.mock.calls.length, second.mock.calls.length) }
  }

  it('adds a user, lists it in order, and allows it with its password', async () => {
    const { users } = directory() ?? {}
    if (users === undefined) return
    await users.set('zoe', 'a password of zoe')
    await users.set('anna', 'a password of anna')
    expect(users.list()).toEqual(expect.arrayContaining(['anna', 'zoe']))
    expect(users.list()).toEqual([...users.list()].sort())
    expect(await allows('zoe', 'a password of zoe')).toBe(true)
    expect(await allows('zoe', 'a password of anna')).toBe(false)
  })

  it('changes a password: the old one is not allowed from then on', async () => {
    const { users, revocations } = directory() ?? {}
    if (users === undefined) return
    await users.set('zoe', 'the old password')
    expect(await allows('zoe', 'the old password')).toBe(true)
    const before = revocations?.()
    await users.set('zoe', 'the new password')
    expect(await allows('zoe', 'the old password')).toBe(false)
    expect(await allows('zoe', 'the new password')).toBe(true)
    expect(revocations?.()).toBeGreaterThan(before as number)
  })

  it('refuses a password that is empty with a TypeError, and changes nothing', async () => {
    const { users } = directory() ?? {}
    if (users === undefined) return
    await expect(users.set('nina', '')).rejects.toBeInstanceOf(TypeError)
    expect(users.list()).not.toContain('nina')
  })

  it('deletes a user: its password is not allowed, and a connected client is not accepted', async () => {
    const { users, revocations } = directory() ?? {}
    if (users === undefined) return
    await users.set('zoe', 'a password of zoe')
    expect(await allows('zoe', 'a password of zoe')).toBe(true)
    const before = revocations?.()
    expect(await users.delete('zoe')).toBe(true)
    expect(await allows('zoe', 'a password of zoe')).toBe(false)
    expect(users.list()).not.toContain('zoe')
    expect(revocations?.()).toBeGreaterThan(before as number)
    expect(authenticator().accepts?.({ clientId: 'c', userName: 'zoe', peer })).toBe(false)
    expect(await users.delete('zoe')).toBe(false)
  })
}
