/** The users of a password file in the admin API of a real broker, over HTTP. What hashes passwords is in admin-users.slow.test.ts. */

import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { passwordFile } from '../../components/password-file/index.ts'
import { AdminBroker } from '../helpers/admin-broker.ts'

const READ_ONLY = 'read-only-read-only'

let folder: string
let file: string
let api: AdminBroker
const start = (dependencies: object) =>
  AdminBroker.start({
    admin: { tokens: [{ name: 'viewer', token: READ_ONLY, readOnly: true }] },
    entries: { passwordFile: { component: passwordFile, config: { path: file }, dependencies: { logger: 'logger' } } },
    dependencies,
  })
/** A line of the file whose hash costs nothing. */
const line = (name: string): string => {
  const salt = Buffer.alloc(12, 1)
  return `${name}:$6$${salt.toString('base64')}$${createHash('sha512').update('right').update(salt).digest('base64')}\n`
}
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

  it('are listed by name, page by page, and found by a part of the name', async () => {
    await api.stop()
    writeFileSync(file, line('carl') + line('a /n') + line('bob'))
    api = await start({ users: 'passwordFile' })
    const page = (await api.get('/users?limit=2')).body
    expect(page).toEqual({ items: [{ name: 'a /n' }, { name: 'bob' }], next: expect.any(String), total: 3 })
    expect((await api.get(`/users?limit=2&after=${page.next}`)).body).toMatchObject({
      items: [{ name: 'carl' }],
      next: null,
    })
    expect((await api.get('/users?q=BO')).body.items).toEqual([{ name: 'bob' }])
    expect((await api.get('/users?q=')).body.total).toBe(3)
    expect(await api.get('/users/a%20%2Fn')).toEqual({ status: 200, body: { name: 'a /n' } })
    expect((await api.get('/users/carla')).status).toBe(404)
  })

  it('are deleted, and clients cannot authenticate as them any more', async () => {
    await api.stop()
    writeFileSync(file, line('bob') + line('carl'))
    api = await start({ users: 'passwordFile' })
    expect(await api.call('DELETE', '/users/bob')).toEqual({ status: 200, body: { name: 'bob' } })
    expect(readFileSync(file, 'utf8')).toBe(line('carl'))
    expect([(await api.get('/users/bob')).status, (await api.call('DELETE', '/users/bob')).status]).toEqual([404, 404])
    expect((await api.get('/users')).body.items).toEqual([{ name: 'carl' }])
  })

  it.each([
    ['/users/bob', {}],
    ['/users/bob', { password: '' }],
    ['/users/bob', { password: 5 }],
    ['/users/bob', { password: 'right', role: 'admin' }],
    ['/users/bob', { password: 'ends with zero\0' }],
    ['/users/a%3Ab', { password: 'right' }],
    ['/users/%23a', { password: 'right' }],
    ['/users/a%0Ab:x', { password: 'right' }],
  ])('PUT %s with %j gets 400, and nothing is stored', async (path, content) => {
    const answer = await api.call('PUT', path, content)
    expect(answer).toMatchObject({ status: 400, body: { error: expect.stringMatching(/\w/) } })
    expect((await api.get('/users')).body.total).toBe(0)
  })

  it('named like a member of Object are not there', async () => {
    for (const name of ['__proto__', 'constructor', 'toString'])
      expect((await api.get(`/users/${name}`)).status).toBe(404)
  })

  it('are not changed by a token that may only read', async () => {
    const headers = { Authorization: `Bearer ${READ_ONLY}`, 'Content-Type': 'application/json' }
    const set = await api.fetch('/users/bob', {
      method: 'PUT',
      headers,
      body: JSON.stringify({ password: 'a secret' }),
    })
    const removed = await api.fetch('/users/bob', { method: 'DELETE', headers })
    expect([set.status, removed.status, (await api.fetch('/users', { headers })).status]).toEqual([403, 403, 200])
    expect((await api.get('/users')).body.total).toBe(0)
  })

  it('cannot be changed while the file has a bad line: the answer is an error, and the line is not repeated', async () => {
    writeFileSync(file, 'a-password-without-a-name\n')
    const answer = await api.call('PUT', '/users/bob', { password: 'right' })
    expect(answer.status).toBe(500)
    expect(readFileSync(file, 'utf8')).toBe('a-password-without-a-name\n')
    expect(JSON.stringify([answer, (await api.get('/log?limit=1000')).body])).not.toContain('a-password-without')
  })
})

it('are 404 without an authenticator that keeps some', async () => {
  api = await start({})
  for (const method of ['GET', 'DELETE']) expect((await api.call(method, '/users/bob')).status).toBe(404)
  expect((await api.call('PUT', '/users/bob', { password: 'right' })).status).toBe(404)
  expect((await api.get('/users')).body.error).toContain('passwordFile')
})
