import { exportJWK, type GenerateKeyPairResult, generateKeyPair, SignJWT } from 'jose'
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { AuthenticationAnswer } from '../../src/kinds/authenticator.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { JsonService } from '../../test/helpers/json-service.ts'
import { peerAt } from '../../test/helpers/peer-at.ts'
import { RecordingLogger } from '../../test/helpers/recording-logger.ts'
import { jwtConfig } from './config.ts'
import { newJwtCounters } from './counters.ts'
import { Jwt } from './jwt.ts'
import { RemoteKeys } from './remote-keys.ts'

let pairs: GenerateKeyPairResult[]
beforeAll(async () => {
  pairs = await Promise.all([1, 2].map(() => generateKeyPair('ES256', { extractable: true })))
})

let log: RecordingLogger
let service: JsonService
let jwt: Jwt | undefined
let keys: RemoteKeys | undefined
beforeEach(async () => {
  log = new RecordingLogger()
  const first = await setOf(0)
  service = await JsonService.start((request) => request.answer(200, first))
})
afterEach(async () => {
  jwt?.stop()
  keys?.stop()
  jwt = keys = undefined
  await service.stop()
})

const setOf = async (...indexes: number[]) => ({
  keys: await Promise.all(indexes.map(async (at) => ({ ...(await exportJWK(pairs[at]!.publicKey)), kid: `${at}` }))),
})
const configOf = (more: object = {}) =>
  jwtConfig.parse({ algorithms: ['ES256'], issuer: 'i', audience: 'a', jwksUrl: service.url, ...more })
const open = async (more: object = {}) => {
  jwt = await Jwt.open('jwt', configOf(more), log)
  return jwt
}
const token = (at: number, kid = `${at}`) =>
  new SignJWT({ sub: 'ann' })
    .setProtectedHeader({ alg: 'ES256', kid })
    .setIssuer('i')
    .setAudience('a')
    .setExpirationTime('1 min')
    .sign(pairs[at]!.privateKey)
const ask = async (text: string): Promise<AuthenticationAnswer> =>
  jwt!.authenticate({ clientId: 'c', userName: 'ann', password: Buffer.from(text), peer: peerAt('127.0.0.1:1') })
const unavailable = { result: 'deny', reasonCode: ReasonCode.ServerUnavailable }

describe('keys of a service', () => {
  it('are fetched once for many clients, with the headers of the config', async () => {
    await open({ jwksHeaders: { authorization: 'Bearer x' } })
    const text = await token(0)
    for (const answer of await Promise.all([1, 2, 3].map(() => ask(text)))) expect(answer.result).toBe('allow')
    expect(service.requests).toHaveLength(1)
    expect(service.requests[0]!.headers.authorization).toBe('Bearer x')
  })

  it('that are not available refuse each token, with one request and one line of the log', async () => {
    service.answer = (request) => request.answer(500)
    await open()
    const text = await token(0)
    for (let round = 0; round < 5; round += 1) expect(await ask(text)).toMatchObject(unavailable)
    expect(service.requests).toHaveLength(1)
    expect(log.at('error')).toHaveLength(1)
    expect(jwt!.counters).toMatchObject({ withoutKeys: 5, failedLoads: 1 })
    // An operator may ask again at once.
    const set = await setOf(0)
    service.answer = (request) => request.answer(200, set)
    expect(await jwt!.refresh()).toBe('1 key')
    expect(await ask(text)).toMatchObject({ result: 'allow' })
  })

  it.each([
    ['nonsense', 200, '<html>'],
    ['no set', 200, {}],
    ['an empty set', 200, { keys: [] }],
    ['a secret', 200, { keys: [{ kty: 'oct', k: 'c2VjcmV0', alg: 'HS256' }] }],
    ['a status of 404', 404, { keys: [] }],
    ['a status of 204', 204, undefined],
    ['too much', 200, `{"keys":[],"more":"${'x'.repeat(300_000)}"}`],
  ])('that arrive as %s refuse each token', async (_, status, body) => {
    service.answer = (request) => request.answer(status, body)
    await open()
    expect(await ask(await token(0))).toMatchObject(unavailable)
  })

  it('are not taken from where a redirect leads', async () => {
    const set = await setOf(0)
    const other = await JsonService.start((request) => request.answer(200, set))
    service.answer = ({ response }) => response.writeHead(302, { location: other.url }).end()
    await open()
    expect(await ask(await token(0))).toMatchObject(unavailable)
    expect(other.requests).toHaveLength(0)
    await other.stop()
  })

  it('that have not arrived yet do not delay the start', async () => {
    const set = await setOf(0)
    service.answer = () => {}
    await open()
    const answer = ask(await token(0))
    await service.requested(1)
    service.requests[0]!.answer(200, set)
    expect(await answer).toMatchObject({ result: 'allow' })
  })

  it('that never arrive refuse each token after jwksTimeoutMs', async () => {
    service.answer = () => {}
    await open({ jwksTimeoutMs: 100 })
    expect(await ask(await token(0))).toMatchObject(unavailable)
  })

  it('are not waited for when the broker stops', async () => {
    service.answer = () => {}
    await open()
    const answer = ask(await token(0))
    await service.requested(1)
    jwt!.stop()
    expect(await answer).toMatchObject(unavailable)
    expect(log.at('error')).toEqual([])
  })

  it('are not fetched again for unknown key identifiers, before the cooldown is over', async () => {
    await open()
    expect(await ask(await token(0))).toMatchObject({ result: 'allow' })
    for (let at = 0; at < 20; at += 1)
      expect(await ask(await token(0, `random ${at}`))).toMatchObject({ result: 'deny' })
    expect(service.requests).toHaveLength(1)
  })

  it('are fetched again when the cooldown is over, and when they are too old', async () => {
    let nowMs = 0
    const removed = vi.fn()
    const context = { config: configOf(), log, counters: newJwtCounters(), removed }
    keys = new RemoteKeys(new URL(service.url), context, () => nowMs)
    await keys.current()
    expect(await keys.renew()).toBe(false)
    nowMs = 30_000
    const both = await setOf(0, 1)
    service.answer = (request) => request.answer(200, both)
    expect(await keys.renew()).toBe(true)
    expect([keys.keys!.ids.size, service.requests.length]).toEqual([2, 2])
    nowMs += 599_000
    await keys.current()
    expect(service.requests).toHaveLength(2)
    nowMs += 1_000
    const one = await setOf(1)
    service.answer = (request) => request.answer(200, one)
    await keys.current()
    expect([keys.keys!.ids.size, service.requests.length, removed.mock.calls.length]).toEqual([1, 3, 1])
    // Too old, and the service is down: the previous keys are no longer trusted.
    nowMs += 600_000
    service.answer = (request) => request.answer(503)
    await expect(keys.current()).rejects.toThrow('status 503')
    await expect(keys.current()).rejects.toThrow('less than 30 s ago')
    expect(service.requests).toHaveLength(4)
    nowMs += 30_000
    await expect(keys.current()).rejects.toThrow('status 503')
    expect(service.requests).toHaveLength(5)
  })

  it('are fetched again for a key that was added meanwhile, and a service that fails then refuses no token of known keys', async () => {
    await open({ jwksCooldownSeconds: 1 })
    expect(jwt!.keyCount).toBe(0)
    expect(await ask(await token(0))).toMatchObject({ result: 'allow' })
    const real = performance.now.bind(performance)
    let laterMs = 1_000
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => real() + laterMs)
    try {
      service.answer = (request) => request.answer(503)
      expect(await ask(await token(1))).toMatchObject(unavailable)
      expect(await ask(await token(0))).toMatchObject({ result: 'allow' })
      laterMs = 3_000
      const both = await setOf(0, 1)
      service.answer = (request) => request.answer(200, both)
      expect(await ask(await token(1))).toMatchObject({ result: 'allow' })
      expect(jwt!.keyCount).toBe(2)
    } finally {
      clock.mockRestore()
    }
  })

  it('that were removed revoke the clients with tokens that they signed', async () => {
    await open()
    const answer = await ask(await token(0))
    if (answer.result !== 'allow') throw new Error('not allowed')
    const identity = { clientId: 'c', ...answer, peer: peerAt('127.0.0.1:1') }
    const revoked = vi.fn()
    jwt!.onRevocation(revoked)
    const next = await setOf(1)
    service.answer = (request) => request.answer(200, next)
    await jwt!.refresh()
    expect(revoked).toHaveBeenCalledTimes(1)
    expect(jwt!.accepts(identity)).toBe(false)
    expect(await ask(await token(0))).toMatchObject({ result: 'deny' })
    expect(await ask(await token(1))).toMatchObject({ result: 'allow' })
  })
})
