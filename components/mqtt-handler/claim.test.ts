import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { connectPacket } from '../../test/helpers/connect-packet.ts'
import { HandlerHarness, persistent, publishPacket } from '../../test/helpers/handler-harness.ts'

/** Another process may have to give a session up before its client is accepted here. */
let broker: HandlerHarness
let claims: { id: string; grant(): void; deny(error: Error): void }[]
beforeEach(() => {
  claims = []
  const claim = (id: string) =>
    new Promise<void>((grant, deny) => {
      claims.push({ id, grant, deny })
    })
  broker = new HandlerHarness({ connectDeadlineMs: 1_000 }, { ownership: { claim } })
})
afterEach(() => {
  broker.stop()
  vi.useRealTimers()
})

const settled = () => new Promise<void>((resolve) => setImmediate(resolve))

it('a client is accepted when the claim is granted; nothing is read from it before', async () => {
  const client = broker.open()
  expect(client.take(connectPacket(persistent('kitchen')))).toEqual([])
  expect([claims.map(({ id }) => id), client.connection.paused]).toEqual([['kitchen'], true])
  expect(broker.broker.session('kitchen')).toBeUndefined()
  claims[0]!.grant()
  await settled()
  expect(client.take()).toMatchObject([{ cmd: 'connack', reasonCode: 0 }])
  expect(client.connection.paused).toBe(false)
  expect(client.take(publishPacket({ qos: 1 }))).toMatchObject([{ cmd: 'puback' }])
})

it('the client that is connected stays until then', async () => {
  const first = broker.open()
  first.take(connectPacket({ clientId: 'kitchen' }))
  claims[0]!.grant()
  await settled()
  first.take()
  const second = broker.open()
  second.take(connectPacket({ clientId: 'kitchen' }))
  expect(first.connection.open).toBe(true)
  claims[1]!.grant()
  await settled()
  expect([first.connection.open, second.connection.open]).toEqual([false, true])
  expect(first.take()).toMatchObject([{ cmd: 'disconnect', reasonCode: ReasonCode.SessionTakenOver }])
})

it('a claim that is denied refuses the client, and is an error in the log', async () => {
  const client = broker.open()
  client.take(connectPacket({ clientId: 'kitchen' }))
  claims[0]!.deny(new Error('no quorum'))
  await settled()
  expect(client.take()).toMatchObject([{ cmd: 'connack', reasonCode: ReasonCode.ServerUnavailable }])
  expect(broker.log.at('error')).toMatchObject([
    { client: 'kitchen', message: 'The session of a client was not claimed', err: { message: 'no quorum' } },
  ])
})

it('a claim that throws refuses its client alone', () => {
  broker.stop()
  const claim = () => {
    throw new Error('a fault')
  }
  broker = new HandlerHarness({}, { ownership: { claim } })
  const client = broker.open()
  expect(client.take(connectPacket({ clientId: 'kitchen' }))).toMatchObject([
    { cmd: 'connack', reasonCode: ReasonCode.ServerUnavailable },
  ])
  expect(broker.log.at('error')).toMatchObject([
    { client: 'kitchen', message: 'The session of a client was not claimed', err: { message: 'a fault' } },
  ])
})

it('a claim that takes longer than connectDeadlineMs refuses the client, and what it brings later is nothing', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const client = broker.open()
  client.take(connectPacket({ clientId: 'kitchen' }))
  vi.advanceTimersByTime(1_000)
  expect(client.take()).toMatchObject([{ cmd: 'connack', reasonCode: ReasonCode.ServerUnavailable }])
  claims[0]!.grant()
  await settled()
  expect(client.take()).toEqual([])
  expect(broker.broker.session('kitchen')).toBeUndefined()
})

it('a client that goes while its session is claimed gets no session', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const client = broker.open()
  client.take(connectPacket(persistent('kitchen')))
  expect(vi.getTimerCount()).toBe(1)
  client.lose()
  // Nothing waits for the answer any more.
  expect(vi.getTimerCount()).toBe(0)
  claims[0]!.grant()
  await settled()
  expect(broker.broker.session('kitchen')).toBeUndefined()
  expect(broker.handler.clients.size).toBe(0)
})
