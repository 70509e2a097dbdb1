/** Enhanced authentication (section 4.12): its answers, and methods that break their contract. */

import type { IAuthPacket, Packet } from 'mqtt-packet'
import { afterEach, describe, expect, it } from 'vitest'
import type {
  AuthenticationExchange,
  AuthenticationMethod,
  AuthenticationStep,
} from '../../src/kinds/authentication-method.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { connectPacket } from '../../test/helpers/connect-packet.ts'
import { HandlerHarness, type HarnessClient } from '../../test/helpers/handler-harness.ts'

let harness: HandlerHarness
afterEach(() => harness.stop())

/** Serves clients by one method, whose answers are these, one after the other. An error is thrown. */
const serve = (...answers: (AuthenticationStep | Promise<AuthenticationStep> | Error)[]): void => {
  const step: AuthenticationExchange['step'] = () => {
    const answer = answers.shift()
    if (answer === undefined) throw new Error('no further step was expected')
    if (answer instanceof Error) throw answer
    return answer
  }
  serveMethod({ name: 'M', begin: () => ({ step }) })
}
const serveMethod = (method: AuthenticationMethod): void => {
  harness = new HandlerHarness({}, { authenticationMethods: [method] })
}
const success = (userName: string, data?: Buffer): AuthenticationStep => ({
  ...{ result: 'success', userName },
  ...(data !== undefined && { data }),
})
const challenge = (bytes: number): AuthenticationStep => ({ result: 'continue', data: Buffer.alloc(bytes, 'c') })

const open = (properties: object = {}): [HarnessClient, Packet[]] => {
  const client = harness.open()
  return [client, client.take(connectPacket({ properties: { authenticationMethod: 'M', ...properties } }))]
}
const connected = (properties: object = {}): HarnessClient => {
  const [client, sent] = open(properties)
  expect(sent).toMatchObject([{ cmd: 'connack', reasonCode: 0 }])
  return client
}
const auth = (reasonCode: number): IAuthPacket => ({
  ...{ cmd: 'auth', reasonCode },
  properties: { authenticationMethod: 'M' },
})
const REAUTHENTICATE = auth(ReasonCode.ReAuthenticate)
const CONTINUE = auth(ReasonCode.ContinueAuthentication)

describe('a client that authenticates again', () => {
  it('gets AUTH with Success, and the data of the method', () => {
    serve(success('ann'), success('ann', Buffer.from('proof')), challenge(1), success('ann'))
    const client = connected()
    const properties = { authenticationMethod: 'M', authenticationData: Buffer.from('proof') }
    expect(client.take(REAUTHENTICATE)).toEqual([{ cmd: 'auth', reasonCode: 0, properties }])
    expect(client.take(REAUTHENTICATE)).toMatchObject([{ cmd: 'auth', reasonCode: ReasonCode.ContinueAuthentication }])
    expect(client.take(CONTINUE)).toEqual([{ cmd: 'auth', reasonCode: 0, properties: { authenticationMethod: 'M' } }])
    expect(client.connection.open).toBe(true)
  })

  it.each<[string, AuthenticationStep | Error, ReasonCode]>([
    ['proves to be another user', success('bob'), ReasonCode.NotAuthorized],
    [
      'fails',
      { result: 'failure', reasonCode: ReasonCode.NotAuthorized, why: 'the proof is wrong' },
      ReasonCode.NotAuthorized,
    ],
    ['meets a method that throws', new Error('broken'), ReasonCode.UnspecifiedError],
    ['would get a larger answer than it takes', success('ann', Buffer.alloc(200)), ReasonCode.PacketTooLarge],
    ['would get a larger challenge than it takes', challenge(200), ReasonCode.PacketTooLarge],
  ])('and %s is disconnected [MQTT-4.12.1-2]', (_, answer, reasonCode) => {
    serve(success('ann'), answer)
    const client = connected({ maximumPacketSize: 100 })
    const sent = client.take(REAUTHENTICATE)
    expect(sent).toMatchObject([{ cmd: 'disconnect', reasonCode }])
    // Any peer may ask: it does not learn why.
    expect(JSON.stringify(sent)).not.toMatch(/broken|wrong/)
    expect(client.connection.open).toBe(false)
  })

  it('with a Reason Code that does not fit is disconnected', () => {
    serve(success('ann'))
    expect(connected().take(CONTINUE)).toMatchObject([{ cmd: 'disconnect', reasonCode: ReasonCode.ProtocolError }])
  })
})

describe('a client that connects', () => {
  it.each<[string, AuthenticationStep | Error, ReasonCode]>([
    ['would get a larger challenge than it takes', challenge(200), ReasonCode.PacketTooLarge],
    ['meets a method that throws', new Error('broken'), ReasonCode.UnspecifiedError],
    ['meets a method that answers nothing', null as never, ReasonCode.UnspecifiedError],
  ])('and %s is refused [MQTT-4.12.0-4]', (_, answer, reasonCode) => {
    serve(answer)
    const [client, sent] = open({ maximumPacketSize: 100 })
    expect(sent).toMatchObject([{ cmd: 'connack', reasonCode }])
    expect(client.connection.open).toBe(false)
  })

  it('is refused if the method does not even begin, and the log has the reason', () => {
    const begin = () => {
      throw new Error('the key is missing')
    }
    serveMethod({ name: 'M', begin })
    const [, sent] = open()
    expect(sent).toMatchObject([{ cmd: 'connack', reasonCode: ReasonCode.UnspecifiedError }])
    expect(harness.log.at('error')).toMatchObject([{ method: 'M', err: { message: 'the key is missing' } }])
  })

  it.each(['answers', 'fails'])('and has gone before the method %s is sent nothing', async (how) => {
    let answer: (step: AuthenticationStep) => void = () => undefined
    let fail: (error: Error) => void = () => undefined
    serve(
      new Promise<AuthenticationStep>((resolve, reject) => {
        answer = resolve
        fail = reject
      }),
    )
    const [client, sent] = open()
    client.lose()
    if (how === 'answers') answer(success('ann'))
    else fail(new Error('too late'))
    await new Promise(setImmediate)
    expect([sent, client.take(), harness.log.at('error')]).toEqual([[], [], []])
    expect(harness.broker.session('client')).toBeUndefined()
  })
})
