/** The users of a password file in the admin API of a real broker, over HTTP: what hashes passwords. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { passwordFile } from '../../components/password-file/index.ts'
import { AdminBroker } from '../helpers/admin-broker.ts'

let folder: string
let file: string
let api: AdminBroker
const start = (dependencies: object) =>
  AdminBroker.start({
    entries: { passwordFile: { component: passwordFile, config: { path: file }, dependencies: { logger: 'logger' } } },
    dependencies,
  })
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'users-'))
  file = join(folder, 'users')
})
afterEach(async () => {
  await api.stop()
  rmSync(folder, { recursive: true })
})

describe('users', () => {
  beforeEach(async () => {
    api = await start({ users: 'passwordFile' })
  })

  it('are added, listed, changed and deleted', async () => {
    expect((await api.get('/users')).body).toEqual({ items: [], next: null, total: 0 })
    expect(await api.call('PUT', '/users/bob', { password: 'a secret' })).toEqual({
      status: 200,
      body: { name: 'bob' },
    })
    expect((await api.call('PUT', '/users/a%20%2Fn', { password: 'another' })).body).toEqual({ name: 'a /n' })
    const first = readFileSync(file, 'utf8')
    expect((await api.call('PUT', '/users/bob', { password: 'changed' })).status).toBe(200)
    expect(readFileSync(file, 'utf8')).not.toBe(first)
    const page = (await api.get('/users?limit=1')).body
    expect(page).toEqual({ items: [{ name: 'a /n' }], next: expect.any(String), total: 2 })
    expect((await api.get(`/users?limit=1&after=${page.next}`)).body.items).toEqual([{ name: 'bob' }])
    expect((await api.get('/users?q=BO')).body.items).toEqual([{ name: 'bob' }])
    expect((await api.get('/users/bob')).body).toEqual({ name: 'bob' })
    expect((await api.call('DELETE', '/users/bob')).status).toBe(200)
    expect([(await api.get('/users/bob')).status, (await api.call('DELETE', '/users/bob')).status]).toEqual([404, 404])
    expect((await api.get('/users')).body.total).toBe(1)
  })

  it('are changed with a line in the log that has no password', async () => {
    await api.call('PUT', '/users/bob', { password: 'a very secret word' })
    await api.call('PUT', '/users/b%3Ab', { password: 'a very secret word' })
    const log = JSON.stringify((await api.get('/log?limit=1000')).body)
    expect(log).toMatch(/Admin call by admin from 127\.0\.0\.1:\d+: PUT \/users\/bob \(200\)/)
    expect(log).toMatch(/PUT \/users\/b%3Ab \(400\)/)
    expect(log).not.toContain('very secret')
  })
})
