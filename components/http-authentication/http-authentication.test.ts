import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { AuthenticationAnswer, Credentials } from '../../src/kinds/authenticator.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { authenticatorContract } from '../../test/contract/authenticator.ts'
import { JsonService, type ServiceRequest } from '../../test/helpers/json-service.ts'
import { peerAt } from '../../test/helpers/peer-at.ts'
import { RecordingLogger } from '../../test/helpers/recording-logger.ts'
import { httpAuthenticationConfig } from './config.ts'
import { HttpAuthentication } from './http-authentication.ts'
import { measuresOf } from './measures.ts'

const users: Readonly<Record<string, string>> = { ann: 'pencil', bob: 'eraser' }
/** Answers as a service that knows two users. */
const byPassword = (request: ServiceRequest): void => {
  const { username, password } = request.body as Readonly<Record<string, string>>
  const isRight = Object.hasOwn(users, username!) && users[username!] === password
  request.answer(200, { result: isRight ? 'allow' : 'deny' })
}

let log: RecordingLogger
let service: JsonService
let opened: HttpAuthentication | undefined
let nowMs: number
beforeEach(async () => {
  log = new RecordingLogger()
  service = await JsonService.start(byPassword)
  nowMs = 0
})
afterEach(async () => {
  opened?.stop()
  await service.stop()
})

const open = (more: object = {}): HttpAuthentication => {
  const config = httpAuthenticationConfig.parse({ url: service.url, ...more })
  opened = new HttpAuthentication('service', config, log, () => nowMs)
  return opened
}
const credentials = (more: Partial<Credentials> = {}): Credentials => ({
  clientId: 'c',
  userName: 'ann',
  password: Buffer.from('pencil'),
  peer: peerAt('192.0.2.7:5000'),
  ...more,
})
const ask = async (more: Partial<Credentials> = {}): Promise<AuthenticationAnswer> =>
  opened!.authenticate(credentials(more))
const guess = (at: number) => ask({ password: Buffer.from(`guess ${at}`) })
const allow = { result: 'allow', userName: 'ann' }
const unavailable = { result: 'deny', reasonCode: ReasonCode.ServerUnavailable }

authenticatorContract('httpAuthentication', {
  create: () => open(),
  users: [
    { userName: 'ann', password: 'pencil' },
    { userName: 'bob', password: 'eraser' },
  ],
  unknownUser: 'deny',
  wrongPassword: 'deny',
})

describe('a request', () => {
  it('has the values that the template names, as texts, with any content', async () => {
    const body = {
      id: `$\{clientid}`,
      both: `$\{username}:$\{password}`,
      from: `$\{peerhost}`,
      subject: `$\{cert_subject}/$\{cert_common_name}`,
      fixed: 1,
    }
    open({ body, headers: { authorization: 'Bearer secret' } })
    const hostile = `"},$\{password}\u2028{"`
    await ask({
      clientId: hostile,
      userName: `$\{peerhost}`,
      peer: { ...peerAt('192.0.2.7:1'), tls: { subject: 'CN=x', commonName: 'x' } },
    })
    expect(service.requests[0]!.body).toEqual({
      id: hostile,
      both: `$\{peerhost}:pencil`,
      from: '192.0.2.7',
      subject: 'CN=x/x',
      fixed: 1,
    })
    expect(service.requests[0]!.headers).toMatchObject({
      authorization: 'Bearer secret',
      'content-type': 'application/json',
    })
  })

  it('has empty texts for what the client has not sent', async () => {
    open({ withoutCredentials: true })
    await ask({ userName: undefined, password: undefined })
    expect(service.requests[0]!.body).toEqual({ clientid: 'c', username: '', password: '', peerhost: '192.0.2.7' })
  })

  it('is not sent about a client without credentials, or with a password that is no text', async () => {
    open()
    expect(await ask({ userName: undefined, password: undefined })).toEqual({ result: 'pass' })
    expect(await ask({ password: Buffer.from([0x70, 0xff]) })).toMatchObject({ result: 'deny' })
    expect(service.requests).toHaveLength(0)
  })
})

describe('an answer', () => {
  it('may allow with attributes, rules and a time', async () => {
    open()
    const expireAt = Math.floor(Date.now() / 1_000) + 100
    const acl = [{ permission: 'deny', action: 'all', topic: `private/$\{clientid}/#`, qos: [0, 1], retain: true }]
    const body = {
      result: 'allow',
      is_superuser: true,
      client_attrs: { site: 's', level: 3 },
      groups: 'staff',
      expire_at: expireAt,
      acl,
    }
    service.answer = (request) => request.answer(200, body)
    expect(await ask()).toEqual({
      result: 'allow',
      userName: 'ann',
      attributes: {
        isSuperuser: true,
        groups: ['staff'],
        values: { site: 's', level: '3' },
        rules: [{ action: 'all', filter: 'private/%c/#', allow: false, qos: [0, 1], retain: true }],
      },
      expiresAtMs: expireAt * 1_000,
    })
  })

  it('of 204 allows, ignore passes on', async () => {
    open()
    service.answer = (request) => request.answer(204)
    expect(await ask()).toEqual(allow)
    service.answer = (request) => request.answer(200, { result: 'ignore' })
    expect(await ask({ userName: 'bob' })).toEqual({ result: 'pass' })
  })

  it.each([
    ['200 without a body', 200, ''],
    ['200 with no JSON', 200, '{"result":"allow"'],
    ['200 with more behind', 200, '{"result":"allow"}{"result":"deny"}'],
    ['200 with a list', 200, [{ result: 'allow' }]],
    ['200 with a text', 200, '"allow"'],
    ['200 with null', 200, 'null'],
    ['200 with another result', 200, { result: 'Allow' }],
    ['200 with true', 200, { result: true }],
    ['200 with a list as result', 200, { result: ['allow'] }],
    ['200 without result', 200, { is_superuser: true }],
    ['200 with a result of its prototype', 200, '{"__proto__":{"result":"allow"}}'],
    ['200 with a superuser by a text', 200, { result: 'allow', is_superuser: 'false' }],
    ['200 with rules that are not understood', 200, { result: 'allow', acl: [{ permission: 'deny', topics: ['a'] }] }],
    ['200 with attributes that are not texts', 200, { result: 'allow', client_attrs: { a: {} } }],
    ['200 with a time that is not valid', 200, { result: 'allow', expire_at: '2030' }],
    ['200 with too much', 200, `{"result":"allow","more":"${'x'.repeat(70_000)}"}`],
    ['201', 201, { result: 'allow' }],
    ['302', 302, { result: 'allow' }],
    ['400', 400, { result: 'allow' }],
    ['401', 401, { result: 'allow' }],
    ['404', 404, { result: 'allow' }],
    ['429', 429, { result: 'allow' }],
    ['500', 500, { result: 'allow' }],
    ['503', 503, { result: 'allow' }],
  ])('of %s refuses the client, and is logged without the password', async (_, status, body) => {
    open()
    service.answer = (request) => request.answer(status, body)
    expect(await ask()).toMatchObject(unavailable)
    expect(log.at('error')).toHaveLength(1)
    expect(JSON.stringify(log.lines)).not.toContain('pencil')
  })

  it('that redirects to another address is not followed', async () => {
    open()
    const other = await JsonService.start((request) => request.answer(204))
    service.answer = ({ response }) => response.writeHead(307, { location: other.url }).end()
    expect(await ask()).toMatchObject(unavailable)
    expect(other.requests).toHaveLength(0)
    await other.stop()
  })

  it('that breaks off, or never ends, refuses the client', async () => {
    open({ timeoutMs: 200 })
    service.answer = ({ response }) => response.destroy()
    expect(await ask()).toMatchObject(unavailable)
    service.answer = ({ response }) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.write('{"result":"allow"')
    }
    expect(await ask()).toMatchObject(unavailable)
    expect(opened!.requesting).toBe(0)
  })

  it('of a service that is not reachable refuses the client', async () => {
    open()
    await service.stop()
    expect(await ask()).toMatchObject(unavailable)
  })

  it('is not awaited when the broker stops', async () => {
    open({ maximumRequests: 1 })
    service.answer = () => {}
    const answers = [guess(1), guess(2)]
    await service.requested(1)
    opened!.stop()
    for (const answer of await Promise.all(answers)) expect(answer).toMatchObject(unavailable)
    expect(await guess(3)).toMatchObject(unavailable)
    expect(log.lines).toEqual([])
  })
})

describe('the cache of answers', () => {
  it('keeps an answer for the same client, for a time', async () => {
    open()
    for (let round = 0; round < 3; round += 1) expect(await ask()).toMatchObject(allow)
    expect(service.requests).toHaveLength(1)
    nowMs = 59_999
    await ask()
    expect(service.requests).toHaveLength(1)
    nowMs = 60_000
    await ask()
    expect(service.requests).toHaveLength(2)
    expect(opened!.counters).toMatchObject({ allowed: 5, fromCache: 3 })
  })

  it('keeps a denial for a shorter time, and does not keep a failure', async () => {
    open()
    await guess(1)
    await guess(1)
    expect(service.requests).toHaveLength(1)
    nowMs = 5_000
    await guess(1)
    expect(service.requests).toHaveLength(2)
    service.answer = (request) => request.answer(500)
    await guess(2)
    await guess(2)
    expect(service.requests).toHaveLength(4)
  })

  it('tells clients apart by all values of the request', async () => {
    open()
    service.answer = (request) => request.answer(204)
    await ask()
    const others: Partial<Credentials>[] = [
      { clientId: 'd' },
      { userName: 'an', clientId: 'cn' },
      { userName: 'annp', password: Buffer.from('encil') },
      { userName: '' },
      { userName: undefined },
      { password: undefined },
      { password: Buffer.alloc(0) },
      { peer: peerAt('192.0.2.8:5000') },
      { peer: { ...peerAt('192.0.2.7:5000'), tls: { commonName: 'x' } } },
      { peer: { ...peerAt('192.0.2.7:5000'), tls: { subject: 'x' } } },
    ]
    for (const [index, other] of others.entries()) {
      await ask(other)
      expect(service.requests).toHaveLength(index + 2)
    }
    await ask({ peer: peerAt('192.0.2.7:6000') })
    expect(service.requests).toHaveLength(others.length + 1)
  })

  it('does not let denials displace what allows, and is bounded', async () => {
    open({ maximumCached: 10 })
    await ask()
    for (let at = 0; at < 30; at += 1) await guess(at)
    expect(opened!.cached).toBe(11)
    await ask()
    expect(service.requests).toHaveLength(31)
    service.answer = (request) => request.answer(200, { result: 'allow', more: 'x'.repeat(30_000) })
    open({ maximumCachedBytes: 100_000 })
    for (let at = 0; at < 10; at += 1) await guess(at)
    expect(opened!.cached).toBe(3)
    expect(opened!.cachedBytes).toBeLessThanOrEqual(100_000)
  })

  it('forgets everything at a refresh, also answers under way', async () => {
    open()
    await ask()
    expect(opened!.refresh()).toBe('1 answer forgotten')
    expect(opened!.refresh()).toBeUndefined()
    let release = () => {}
    service.answer = (request) => {
      release = () => byPassword(request)
    }
    const answer = ask()
    await service.requested(2)
    opened!.refresh()
    release()
    expect(await answer).toMatchObject(allow)
    expect(opened!.cached).toBe(0)
  })

  it('asks again about a client whose time has expired', async () => {
    open()
    service.answer = (request) => request.answer(200, { result: 'allow', expire_at: 1_000 })
    await ask()
    await ask()
    expect(service.requests).toHaveLength(2)
  })
})

describe('many clients at once', () => {
  it('with the same credentials are one request', async () => {
    open()
    const answers = await Promise.all(Array.from({ length: 500 }, () => ask()))
    expect(answers.every(({ result }) => result === 'allow')).toBe(true)
    expect(service.requests).toHaveLength(1)
    expect(opened!.counters).toMatchObject({ joined: 499, allowed: 500 })
  })

  it('are checked a few at a time; those without a place in the queue are refused with Server busy', async () => {
    open({ maximumRequests: 2, maximumQueued: 3 })
    const held: ServiceRequest[] = []
    service.answer = (request) => held.push(request)
    const answers = [1, 2, 3, 4, 5, 6, 7].map(guess)
    const busy = { result: 'deny', reasonCode: ReasonCode.ServerBusy }
    expect(await Promise.all(answers.slice(5))).toMatchObject([busy, busy])
    await service.requested(2)
    expect([opened!.requesting, opened!.queued]).toEqual([2, 3])
    service.answer = byPassword
    for (const request of held) byPassword(request)
    for (const answer of await Promise.all(answers.slice(0, 5))) expect(answer.result).toBe('deny')
    expect([opened!.requesting, opened!.queued, service.requests.length]).toEqual([0, 0, 5])
    expect(log.at('warn')).toHaveLength(1)
  })

  it('of another address find room when one address has filled the queue', async () => {
    open({ maximumRequests: 1, maximumQueued: 3 })
    service.answer = () => {}
    const guesses = [1, 2, 3, 4].map(guess)
    await service.requested(1)
    const other = ask({ peer: peerAt('192.0.2.8:5000') })
    expect(await guesses[1]).toMatchObject({ result: 'deny', reasonCode: ReasonCode.ServerBusy })
    service.answer = byPassword
    byPassword(service.requests[0]!)
    expect(await other).toMatchObject(allow)
  })

  it('that have waited too long cause no request', async () => {
    open({ maximumRequests: 1 })
    service.answer = () => {}
    const answers = [1, 2, 3].map(guess)
    await service.requested(1)
    nowMs = 5_000
    byPassword(service.requests[0]!)
    expect((await Promise.all(answers)).map((answer) => (answer as { reasonCode?: number }).reasonCode)).toEqual([
      undefined,
      ReasonCode.ServerBusy,
      ReasonCode.ServerBusy,
    ])
    expect(service.requests).toHaveLength(1)
  })
})

describe('a service that fails again and again', () => {
  beforeEach(() => {
    service.answer = (request) => request.answer(500)
  })

  it('is not asked for a while, then about one client, and about all after an answer', async () => {
    open()
    for (let at = 0; at < 20; at += 1) expect(await guess(at)).toMatchObject(unavailable)
    expect(service.requests).toHaveLength(5)
    expect(opened!.isOpen).toBe(true)
    nowMs = 9_999
    await guess(0)
    expect(service.requests).toHaveLength(5)
    nowMs = 10_000
    // One of these is let through. It fails, and the pause begins again.
    await Promise.all([1, 2, 3].map(guess))
    expect(service.requests).toHaveLength(6)
    nowMs = 19_999
    await guess(0)
    expect(service.requests).toHaveLength(6)
    nowMs = 20_000
    service.answer = byPassword
    expect(await ask()).toMatchObject(allow)
    expect(await guess(0)).toMatchObject({ result: 'deny' })
    expect(opened!.isOpen).toBe(false)
    expect(log.lines.map(({ level, message }) => `${level}: ${message.split('. ')[0]}`)).toEqual([
      'error: The authentication service failed: it answered with status 500, not 200 or 204',
      'error: The authentication service failed: it answered with status 500, not 200 or 204',
      `info: The authentication service answers again: ${service.url}`,
    ])
    expect(opened!.counters).toMatchObject({ failures: 6, opened: 1, refusedOpen: 19 })
  })

  it('gets no requests about clients that waited while it failed', async () => {
    open({ maximumRequests: 1 })
    await Promise.all([1, 2, 3, 4, 5, 6, 7, 8, 9].map(guess))
    expect(service.requests).toHaveLength(5)
  })

  it('is tried again although old requests hold all slots', async () => {
    open({ maximumRequests: 1, maximumQueued: 0, breakerFailures: 1 })
    await guess(0)
    const held: ServiceRequest[] = []
    service.answer = (request) => held.push(request)
    nowMs = 10_000
    const trial = guess(1)
    await service.requested(2)
    expect(await guess(2)).toMatchObject(unavailable)
    held[0]!.answer(500)
    await trial
    nowMs = 20_000
    service.answer = byPassword
    expect(await ask()).toMatchObject(allow)
  })

  it('does not count answers of 400 or with wrong rules about single clients', async () => {
    open()
    const odd = [400, 401, 404]
    for (let at = 0; at < 30; at += 1) {
      service.answer = (request) => request.answer(odd[at % 3]!)
      expect(await guess(at)).toMatchObject(unavailable)
      service.answer = (request) => request.answer(200, { result: 'allow', acl: 7 })
      expect(await guess(-at)).toMatchObject(unavailable)
    }
    expect(opened!.isOpen).toBe(false)
    expect(log.at('error')).toHaveLength(1)
    expect(opened!.counters.failures).toBe(0)
  })
})

it('has measures', async () => {
  open()
  await ask()
  const read = Object.fromEntries(measuresOf(opened!).map((measure) => [measure.name, measure.read()]))
  expect(read).toMatchObject({ allowed: 1, request: 1, cached: 1, open: 0 })
})
