/** The authenticators that ask others, over real sockets: tokens, a service, and both in a chain. */

import { type CryptoKey, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import type { IClientOptions } from 'mqtt'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { httpAuthentication } from '../../components/http-authentication/index.ts'
import { jwt } from '../../components/jwt/index.ts'
import { Logger } from '../../src/kinds/logger.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { defineComponent } from '../../src/system/define-system.ts'
import { createSystem } from '../../src/system/lifecycle.ts'
import { JsonService, type ServiceRequest } from '../helpers/json-service.ts'
import { RealClient } from '../helpers/mqtt-js.ts'
import { RecordingLogger } from '../helpers/recording-logger.ts'
import { quietSystem } from '../helpers/start-broker.ts'

const log = new RecordingLogger()
let issuer: JsonService
let service: JsonService
let privateKey: CryptoKey
let system: ReturnType<typeof createSystem>
const clients: RealClient[] = []

const byPassword = (request: ServiceRequest): void => {
  const { username, password } = request.body as Readonly<Record<string, string>>
  request.answer(200, { result: username === 'ann' && password === 'pencil' ? 'allow' : 'deny' })
}

beforeAll(async () => {
  const pair = await generateKeyPair('ES256', { extractable: true })
  privateKey = pair.privateKey
  const set = { keys: [{ ...(await exportJWK(pair.publicKey)), kid: 'one' }] }
  issuer = await JsonService.start((request) => request.answer(200, set))
  service = await JsonService.start(byPassword)
  const recording = defineComponent({
    provides: Logger,
    needs: {},
    config: z.strictObject({}),
    start: (): Logger => log,
  })
  system = createSystem({
    ...quietSystem,
    logger: { component: recording },
    jwt: {
      component: jwt,
      config: { algorithms: ['ES256'], jwksUrl: issuer.url, issuer: 'i', audience: 'a', clockToleranceSeconds: 0 },
      dependencies: { logger: 'logger' },
    },
    httpAuthentication: {
      component: httpAuthentication,
      config: { url: service.url, breakerFailures: 2, timeoutMs: 1_000 },
      dependencies: { logger: 'logger' },
    },
    mqttHandler: {
      ...quietSystem.mqttHandler,
      dependencies: {
        ...quietSystem.mqttHandler.dependencies!,
        authenticators: ['jwt', 'httpAuthentication'],
        authenticationMethods: [],
      },
    },
  })
  await system.start()
})
afterEach(() => {
  service.answer = byPassword
  for (const { mqtt } of clients.splice(0)) mqtt.end(true)
})
afterAll(async () => {
  await system.stop()
  await issuer.stop()
  await service.stop()
})

const port = (): number => (system.map as unknown as { server: { port: number } }).server.port
const connect = async (username: string | undefined, password: string | undefined, more: IClientOptions = {}) => {
  const credentials = { ...(username !== undefined && { username }), ...(password !== undefined && { password }) }
  const client = await RealClient.connect(port(), 5, { ...credentials, ...more })
  clients.push(client)
  return client
}
const token = (claims: JWTPayload = {}) =>
  new SignJWT({ iss: 'i', aud: 'a', sub: 'device-7', exp: Math.floor(Date.now() / 1_000) + 60, ...claims })
    .setProtectedHeader({ alg: 'ES256', kid: 'one' })
    .sign(privateKey)
const refusal = (code: number) => expect.objectContaining({ code })

describe('a chain of jwt and httpAuthentication', () => {
  it('lets a client with a token in, without asking the service', async () => {
    const asked = service.requests.length
    await connect('whatever', await token())
    expect(service.requests.length).toBe(asked)
  })

  it('refuses a wrong token, without asking the service', async () => {
    const asked = service.requests.length
    await expect(connect('ann', await token({ aud: 'other' }))).rejects.toEqual(
      refusal(ReasonCode.BadUserNameOrPassword),
    )
    expect(service.requests.length).toBe(asked)
  })

  it('asks the service about a password', async () => {
    await connect('ann', 'pencil', { clientId: 'kitchen' })
    expect(service.requests.at(-1)!.body).toEqual({
      clientid: 'kitchen',
      username: 'ann',
      password: 'pencil',
      peerhost: '127.0.0.1',
    })
    await expect(connect('ann', 'eraser')).rejects.toEqual(refusal(ReasonCode.BadUserNameOrPassword))
  })

  it('refuses a client that neither of them knows', async () => {
    await expect(connect(undefined, undefined)).rejects.toEqual(refusal(ReasonCode.NotAuthorized))
    service.answer = (request) => request.answer(200, { result: 'ignore' })
    await expect(connect('eve', 'secret-of-eve')).rejects.toEqual(refusal(ReasonCode.BadUserNameOrPassword))
  })

  it('ends a connection when its token expires', async () => {
    // At least a second from now, at most two.
    const client = await connect('x', await token({ exp: Math.floor(Date.now() / 1_000) + 2 }))
    const [packet] = await client.event('disconnect')
    expect(packet).toMatchObject({ reasonCode: ReasonCode.MaximumConnectTime })
  })

  it('refuses clients while the service fails, lets those with tokens in, and logs no password', async () => {
    service.answer = (request) => request.answer(500)
    for (let at = 0; at < 4; at += 1) {
      await expect(connect('ann', `secret-password-${at}`)).rejects.toEqual(refusal(ReasonCode.ServerUnavailable))
    }
    await connect('x', await token())
    const text = JSON.stringify(log.lines, (_, value: unknown) =>
      value instanceof Error ? `${value.stack} ${value.cause}` : value,
    )
    expect(text).toContain('The authentication service failed')
    expect(text).not.toMatch(/pencil|eraser|secret-|eyJ/)
  })
})
