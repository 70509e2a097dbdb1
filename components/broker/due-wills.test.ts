import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { connectPacket } from '../../test/helpers/connect-packet.ts'
import {
  HandlerHarness,
  payloads,
  persistent,
  publishPacket,
  subscribePacket,
} from '../../test/helpers/handler-harness.ts'
import { restoredState } from '../../test/helpers/restored-state.ts'
import { SlowStore } from '../../test/helpers/slow-store.ts'
import { MemoryStore } from '../store-memory/memory-store.ts'
import { UNITS_PER_TURN } from './turn-scheduler.ts'

let broker: HandlerHarness
let witness: ReturnType<HandlerHarness['connect']>
beforeEach(() => start(new HandlerHarness()))
afterEach(() => broker.stop())
const start = (harness: HandlerHarness) => {
  broker?.stop()
  broker = harness
  witness = broker.connect({ clientId: 'witness' })
  witness.take(subscribePacket({ 'will/#': {} }))
}

/** What is due from now on waits for a later turn. */
const fillTurn = () => broker.core.scheduler.spend(UNITS_PER_TURN)
const willOf = (name: string, fields: object = {}) => ({
  topic: `will/${name}`,
  payload: Buffer.from(name),
  qos: 1 as const,
  retain: false,
  ...fields,
})
const due = () => broker.core.wills.count
const heard = () => payloads(witness.take())

it('a single Will is published at once', () => {
  broker.connect({ clientId: 'a', will: willOf('a') }).lose()
  expect(heard()).toEqual(['a'])
})

it('the Wills of many connections that are lost at once are published over turns, in their order', async () => {
  for (let n = 0; n < 100; n++)
    broker.connect({ clientId: `subscriber ${n}` }).take(subscribePacket({ '#': { qos: 0 } }))
  const names = Array.from({ length: 300 }, (_, n) => `${n}`)
  const clients = names.map((name) => broker.connect({ clientId: name, will: willOf(name, { qos: 0 }) }))
  // Most of the turn is over.
  broker.core.scheduler.spend(UNITS_PER_TURN * 0.8)
  for (const client of clients) client.lose()
  const atOnce = heard().length
  expect(atOnce).toBeGreaterThan(0)
  expect(atOnce).toBeLessThan(150)
  expect(due()).toBe(300 - atOnce)
  // Those that wait are held, and counted.
  expect(broker.core.gauges.willBytes).toBeGreaterThan(due() * 450)
  const received: string[] = []
  while (due() > 0) {
    await nextTurn()
    received.push(...heard())
  }
  expect(received).toEqual(names.slice(atOnce))
  expect(broker.core.gauges.willBytes).toBe(0)
  expect(broker.core.scheduler.mostInTurn).toBeLessThan(UNITS_PER_TURN * 1.1)
})

it('Wills whose delay is over are published over turns, in their order', async () => {
  const clients = ['a', 'b'].map((name) =>
    broker.connect(persistent(name, { will: willOf(name, { properties: { willDelayInterval: 60 } }) })),
  )
  for (const client of clients) client.lose()
  fillTurn()
  for (const session of broker.core.sessions) if (session.will.cost > 0) broker.core.wills.add(session)
  expect(heard()).toEqual([])
  await nextTurn()
  expect(heard()).toEqual(['a', 'b'])
})

it.each([
  ['a new session', { clean: true }, false],
  ['the same session', persistent('a'), true],
])(
  'a client that comes back to %s before its Will was published has it published before CONNACK',
  (_, fields, resumes) => {
    broker.connect({ ...(resumes ? persistent('a') : {}), clientId: 'a', will: willOf('old') }).lose()
    expect(heard()).toEqual(['old'])
    const client = broker.connect({ ...(resumes ? persistent('a') : {}), clientId: 'a', will: willOf('due') })
    fillTurn()
    client.lose()
    expect([heard(), due()]).toEqual([[], 1])
    const charged: number[] = []
    const again = broker.open()
    again.connection.chargeWork = (units) => void charged.push(units)
    let heardBeforeConnack: string[] | undefined
    again.sent.push = (...packets) => {
      heardBeforeConnack ??= heard()
      return Array.prototype.push.apply(again.sent, packets)
    }
    again.take(connectPacket({ ...fields, clientId: 'a', will: willOf('new') }))
    expect(heardBeforeConnack).toEqual(['due'])
    expect(charged.length).toBeGreaterThan(0)
    // The Will of the new connection is another one.
    again.lose()
    broker.core.wills.drain()
    expect([heard(), due()]).toEqual([['new'], 0])
  },
)

it('a client that takes its own connection over has the Will of the first published before CONNACK', () => {
  broker.connect(persistent('a', { will: willOf('first') }))
  fillTurn()
  broker.connect(persistent('a', { will: willOf('second') }))
  expect([heard(), due()]).toEqual([['first'], 0])
  broker.core.sessions.get('a')!.recipient!.disconnect(0, 'test')
  broker.core.wills.drain()
  expect(heard()).toEqual(['second'])
})

it('all Wills that are due are published when the broker stops', () => {
  const store = new MemoryStore()
  start(new HandlerHarness({}, { store }))
  witness.lose()
  const mourner = broker.connect(persistent('mourner'))
  mourner.take(subscribePacket({ 'will/#': {} }))
  mourner.lose()
  fillTurn()
  for (const name of ['a', 'b']) broker.connect({ clientId: name, will: willOf(name) }).lose()
  broker.connect(persistent('c', { will: willOf('c') })).lose()
  broker.stop()
  expect(store.read('mourner', 0, 10).map(({ message }) => message.payload.toString())).toEqual(['a', 'b', 'c'])
})

it('a Will that waits is in the store, and is published after a crash', async () => {
  const store = new SlowStore()
  start(new HandlerHarness({}, { store }, () => store.settleAll()))
  const mourner = broker.connect(persistent('mourner'))
  mourner.take(subscribePacket({ 'will/#': {} }))
  const client = broker.connect(persistent('a', { will: willOf('a') }))
  fillTurn()
  client.lose()
  store.settleAll()
  expect(due()).toBe(1)
  const crashed = store.crash()
  broker.stop()
  broker = new HandlerHarness({}, { store: crashed })
  await broker.core.restore()
  expect(broker.core.sessions.get('mourner')?.outbox.waiting).toBe(1)
  expect((await restoredState(crashed)).sessions.map(({ will }) => will)).toEqual([undefined, undefined])
})

it('DISCONNECT deletes a Will, even if other work waits', () => {
  const client = broker.connect({ clientId: 'a', will: willOf('a') })
  fillTurn()
  client.take({ cmd: 'disconnect' })
  expect(due()).toBe(0)
})

it('a Will that cannot be published is logged, and other Wills are published', async () => {
  const publish = broker.core.router.publish.bind(broker.core.router)
  broker.core.router.publish = (message, publisher) => {
    if (message.topic === 'will/fault') throw new Error('a fault')
    return publish(message, publisher)
  }
  fillTurn()
  for (const name of ['fault', 'works']) broker.connect({ clientId: name, will: willOf(name) }).lose()
  await nextTurn()
  expect(heard()).toEqual(['works'])
  expect(broker.log.at('error')).toHaveLength(1)
  // It still takes messages.
  broker.connect({ clientId: 'publisher' }).take(publishPacket({ topic: 'will/x' }))
  expect(heard()).toEqual(['payload'])
})
