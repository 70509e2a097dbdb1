import { afterEach, expect, it } from 'vitest'
import { type AnsweredClient, PasswordBroker } from '../helpers/password-broker.ts'

const CLIENTS = 5_000
const USERS = 5
const GUESSES = 1_000
/** Both ends of 5,000 connections are in this process, which takes longer than a broker alone. */
const handler = { connectDeadlineMs: 150_000 }

let broker: PasswordBroker
afterEach(() => broker.stop())

const storm = (): Promise<AnsweredClient[]> =>
  broker.connectAll(CLIENTS, (index) => [`user-${index % USERS}`, `the password of user-${index % USERS}`])

it('a reconnect storm of 5,000 clients costs one hash for each user, and the next one none', async () => {
  broker = await PasswordBroker.start(undefined, { handler })
  for (let index = 0; index < USERS; index += 1) {
    await broker.file.users.set(`user-${index}`, `the password of user-${index}`)
  }
  const first = await storm()
  expect(new Set(first.map(({ code }) => code))).toEqual(new Set([0]))
  const { hashed, joined, fromCache } = broker.file.counters
  expect(hashed).toBe(USERS)
  expect(joined + fromCache).toBe(CLIENTS - USERS)
  for (const { client } of first) client.destroy()
  await Promise.all(first.map(({ client }) => client.closed))
  const second = await storm()
  expect(new Set(second.map(({ code }) => code))).toEqual(new Set([0]))
  expect(broker.file.counters).toMatchObject({ hashed: USERS, refusedBusy: 0, allowed: 2 * CLIENTS })
})

it('1,000 guesses at the same time cost as many hashes as may wait, and keep no client out that was there before', async () => {
  broker = await PasswordBroker.start(undefined, { config: { maximumHashing: 2, maximumQueued: 8 }, handler })
  await broker.file.users.set('user-0', 'the password of user-0')
  const known = await broker.connect('user-0', 'the password of user-0', { clientId: 'known' })
  expect(known.code).toBe(0)
  const guesses = broker.connectAll(GUESSES, (index) => [index % 2 === 0 ? 'user-0' : 'nobody', `guess ${index}`])
  const again = broker.connect('user-0', 'the password of user-0', { clientId: 'again' })
  expect((await again).code).toBe(0)
  const codes = (await guesses).map(({ code }) => code)
  const { hashed, refusedBusy } = broker.file.counters
  expect(codes.filter((code) => code === 0x89)).toHaveLength(refusedBusy)
  expect(codes.filter((code) => code === 0x86)).toHaveLength(GUESSES - refusedBusy)
  // One for the client that is known.
  expect(hashed).toBe(GUESSES - refusedBusy + 1)
  expect(refusedBusy).toBeGreaterThan(GUESSES / 2)
  expect([broker.file.hashing, broker.file.queued]).toEqual([0, 0])
})
