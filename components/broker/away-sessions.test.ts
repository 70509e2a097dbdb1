import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { connectPacket } from '../../test/helpers/connect-packet.ts'
import { HandlerHarness, persistent, publishPacket, subscribePacket } from '../../test/helpers/handler-harness.ts'
import { MemoryStore } from '../store-memory/memory-store.ts'

let broker: HandlerHarness
const start = (config: object, parts = {}) => {
  broker?.stop()
  broker = new HandlerHarness(config, parts)
}
beforeEach(() => start({ maximumSessions: 4, maximumAwaySessions: 4 }))
afterEach(() => broker.stop())

/** Connects a client whose session outlives it, and loses the connection. */
const away = (clientId: string, fields = {}) => broker.connect(persistent(clientId, fields)).lose()
const connack = (fields: object, version: 4 | 5 = 5) => broker.open(version).take(connectPacket(fields))[0]
const ids = () => [...broker.core.sessions].map(({ id }) => id)
const will = { topic: 'will', payload: Buffer.from('x'), qos: 0 as const, retain: false }

describe('at maximumSessions', () => {
  it('the session that holds nothing and is away longest ends for a new one', () => {
    for (const id of ['1', '2', '3', '4']) away(id)
    // It was away longest, and is back since.
    away('1')
    expect(connack({ clientId: '5' })).toMatchObject({ reasonCode: 0, sessionPresent: false })
    expect(ids()).toEqual(['1', '3', '4', '5'])
    away('6')
    expect(ids()).toEqual(['1', '4', '5', '6'])
    expect(broker.core.counters.givenUpSessions).toBe(2)
    expect(broker.log.at('warn')).toMatchObject([
      { client: '2', message: expect.stringContaining('further ones are counted') },
    ])
  })

  it('those that hold something, or are connected, stay, and the new client is refused', () => {
    broker.connect(persistent('connected'))
    broker.connect(persistent('subscribed')).take(subscribePacket({ a: {} }))
    broker.core.sessions.get('subscribed')!.recipient!.disconnect(ReasonCode.AdministrativeAction, 'test')
    away('will', { will: { ...will, properties: { willDelayInterval: 60 } } })
    const sender = broker.connect(persistent('sender'))
    sender.take(publishPacket({ qos: 2 }))
    sender.lose()
    expect(broker.core.sessions.away.idleCount).toBe(0)
    expect(connack({ clientId: 'new' })).toMatchObject({ reasonCode: 0x97 })
    expect(connack({ clientId: 'new' }, 4)).toMatchObject({ returnCode: 3 })
    expect(connack(persistent('will'))).toMatchObject({ reasonCode: 0, sessionPresent: true })
    expect(broker.core.counters.givenUpSessions).toBe(0)
  })

  it('one whose messages wait stays, though its subscription has ended', () => {
    const client = broker.connect(persistent('queue'))
    client.take(subscribePacket({ a: { qos: 1 } }))
    client.connection.congested = true
    broker.connect({ clientId: 'publisher' }).take(publishPacket({ qos: 1 }))
    client.take({ cmd: 'unsubscribe', messageId: 1, unsubscriptions: ['a'] })
    client.lose()
    expect(broker.core.sessions.away.idleCount).toBe(0)
  })

  it('one holds nothing any more when its Will was published', () => {
    away('will', { will })
    expect(broker.core.sessions.away.idleCount).toBe(1)
  })

  it('a client that is refused ends nothing', () => {
    start({ maximumSessions: 1, maximumTotalQueuedBytes: 0 })
    away('1')
    expect(connack({ clientId: '2', will })).toMatchObject({ reasonCode: 0x97 })
    expect(ids()).toEqual(['1'])
  })

  it('those that went first end first after a restart, too', async () => {
    const store = new MemoryStore()
    start({ maximumSessions: 3 }, { store })
    let ms = 1_000
    broker.core.now = () => ms++
    for (const id of ['1', '2', '3']) broker.connect(persistent(id))
    for (const id of ['2', '3', '1'])
      broker.core.sessions.get(id)!.recipient!.disconnect(ReasonCode.AdministrativeAction, 'test')
    start({ maximumSessions: 3 }, { store })
    await broker.core.restore()
    expect(broker.core.sessions.away.oldestIdle?.id).toBe('2')
    away('4')
    away('5')
    expect(ids()).toEqual(['1', '4', '5'])
  })
})

describe('at maximumAwaySessions', () => {
  beforeEach(() => start({ maximumSessions: 4, maximumAwaySessions: 2 }))
  const holding = (clientId: string) => {
    const client = broker.connect(persistent(clientId))
    client.take(subscribePacket({ a: {} }))
    client.lose()
  }

  it('a new session that outlives its connection is refused, and others are not', () => {
    for (const id of ['1', '2']) holding(id)
    expect(connack(persistent('3'))).toMatchObject({ reasonCode: 0x97 })
    expect(connack({ clientId: '3' })).toMatchObject({ reasonCode: 0 })
    expect(connack(persistent('1'))).toMatchObject({ reasonCode: 0, sessionPresent: true })
    expect(connack(persistent('4'))).toMatchObject({ reasonCode: 0 })
  })

  it('one that holds nothing ends for it', () => {
    holding('1')
    away('2')
    expect(connack(persistent('3'))).toMatchObject({ reasonCode: 0 })
    expect(ids()).toEqual(['1', '3'])
  })

  it('it is nine tenths of maximumSessions where nothing is said', () => {
    start({ maximumSessions: 10 })
    for (let n = 0; n < 9; n++) holding(`${n}`)
    expect(connack(persistent('9'))).toMatchObject({ reasonCode: 0x97 })
    expect(connack({ clientId: '9' })).toMatchObject({ reasonCode: 0 })
  })
})

it('the list of away sessions finds the session that is away longest, for any additions and removals', () => {
  start({ maximumSessions: 10_000 })
  const { away: sessions } = broker.core.sessions
  for (let n = 0; n < 50; n++) away(`${n}`)
  const model = Array.from({ length: 50 }, (_, n) => `${n}`)
  for (let n = 0; n < 200; n++) {
    const id = model.splice((n * 7) % model.length, 1)[0]!
    if (n % 3 === 0 && model.length > 1) broker.core.sessions.end(broker.core.sessions.get(id)!)
    else {
      away(id)
      model.push(id)
    }
    expect(sessions.oldestIdle?.id).toBe(model[0])
    expect(sessions.count).toBe(model.length)
  }
})
