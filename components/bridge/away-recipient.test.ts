import { expect, it, vi } from 'vitest'
import { HandlerHarness, publishPacket } from '../../test/helpers/handler-harness.ts'
import { AwayRecipient } from './away-recipient.ts'
import { bridgeIdentity } from './bridge-names.ts'
import { LocalSession } from './local-session.ts'

const away = () => new AwayRecipient(bridgeIdentity('up', undefined), { text: 'bridge up', fields: {} })

it('takes no message in any way, so that all of them wait in the session', () => {
  const recipient = away()
  expect([recipient.sendable, recipient.prepare()]).toEqual([false, undefined])
  expect([recipient.deliverRun(), recipient.takesRun(), recipient.sendRun()]).toEqual([false, false, false])
  expect(recipient.releaseAnswers()).toBe(false)
  const nothing = [
    ...[recipient.sendPublish(), recipient.deliverQoS0(), recipient.sendPubrel(), recipient.chargeWork()],
    ...[recipient.pauseForPublication(), recipient.resumeAfterPublication(), recipient.disconnect()],
  ]
  expect(nothing).toEqual(Array.from({ length: 7 }, () => undefined))
})

it('has the session of the bridge before there is a connection, and messages wait there', () => {
  const { broker, connect, stop } = start()
  const session = localSession(broker).open(away(), 1, 2, false)
  connect().take(publishPacket({ topic: 'a', qos: 1, messageId: 1, payload: Buffer.from('x') }))
  expect(broker.session('$bridge/up')).toMatchObject({ inflight: 0, waiting: 1 })
  expect(broker.client('$bridge/up')).toMatchObject({ protocolVersion: 5, pendingBytes: 0, bytesReceived: 0 })
  session.detach(undefined, false)
  expect(broker.session('$bridge/up')).toMatchObject({ connected: false, waiting: 1 })
  stop()
})

it('says which session was refused, and why', () => {
  const { broker, connect, stop } = start({ maximumSessions: 1 })
  connect()
  expect(() => localSession(broker).open(away(), 1, 2, false)).toThrow(/its session \$bridge\/up was refused: /)
  expect(broker.session('$bridge/up')).toBeUndefined()
  stop()
})

it('says that its session cannot be read, and its messages stay there', () => {
  const { broker, connect, store, stop } = start()
  localSession(broker).open(away(), 1, 2, false).detach(undefined, false)
  connect().take(publishPacket({ topic: 'a', qos: 1, messageId: 1, payload: Buffer.from('x') }))
  const obstructed = vi.spyOn(store, 'read').mockImplementation(() => {
    throw new Error('MDB_PANIC')
  })
  expect(() => localSession(broker).open(away(), 1, 2, false)).toThrow(
    'its session $bridge/up cannot be read from the store at present',
  )
  obstructed.mockRestore()
  localSession(broker).open(away(), 1, 2, false)
  expect(broker.session('$bridge/up')).toMatchObject({ connected: true, waiting: 1 })
  stop()
})

const start = (config: object = {}) => {
  const harness = new HandlerHarness(config)
  const { broker, store } = harness
  return { broker, store, connect: () => harness.connect({ clientId: 'near' }), stop: () => harness.stop() }
}
const localSession = (broker: HandlerHarness['broker']) =>
  new LocalSession({
    ...{
      broker,
      identity: bridgeIdentity('up', undefined),
      filters: [{ filter: '#', qos: 1 }],
      expiryIntervalSeconds: 60,
    },
    refused: () => expect.unreachable(),
  })
