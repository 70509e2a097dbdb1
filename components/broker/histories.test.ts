/** Random histories of clients: nothing acknowledged is lost, and nothing is left when all sessions have ended. */

import { setImmediate as nextTurn } from 'node:timers/promises'
import fc from 'fast-check'
import type { QoS } from 'mqtt-packet'
import { expect, it } from 'vitest'
import type { Store } from '../../src/kinds/store.ts'
import { type Connecting, Device } from '../../test/helpers/device.ts'
import { isFullRun } from '../../test/helpers/full-run.ts'
import { HandlerHarness } from '../../test/helpers/handler-harness.ts'
import { ImpatientRouter } from '../../test/helpers/impatient-router.ts'
import { fuzzSeed } from '../../test/helpers/packets.ts'
import { restoredState } from '../../test/helpers/restored-state.ts'
import { SlowStore } from '../../test/helpers/slow-store.ts'
import type { LocalRouter } from '../router/local-router.ts'
import { MemoryStore } from '../store-memory/memory-store.ts'
import { UNITS_PER_TURN } from './turn-scheduler.ts'

const WHOLE: Connecting = { clean: false, outlives: true, will: 0, receiveMaximum: 10, version: 5 }
const SHARED = '$share/group/s/#'
const FILTERS = [['t/#'], ['t/1'], [SHARED], ['$share/other/s/1'], many('m/+/'), many('$share/many/')]

function many(prefix: string): string[] {
  return Array.from({ length: 110 }, (_, n) => `${prefix}${n}`)
}

type Step = (world: World) => void | Promise<void>

/** The broker and its clients. `collector` and `keeper` have sessions that never end. */
class World {
  broker: HandlerHarness
  readonly #store: Store
  readonly #makeRouter: () => LocalRouter
  readonly collector = new Device('collector')
  readonly keeper = new Device('keeper')
  readonly devices = [new Device('a'), new Device('b'), new Device('c')]
  readonly #all = [this.collector, this.keeper, ...this.devices]

  constructor(isSlow: boolean, limit: number, step: number) {
    this.#store = isSlow ? new SlowStore() : new MemoryStore()
    this.#makeRouter = () => new ImpatientRouter(limit, step)
    this.broker = new HandlerHarness({}, { store: this.#store, router: this.#makeRouter() })
    for (const device of this.devices) device.connect(this.broker, WHOLE)
    for (const [device, filter] of [
      [this.collector, '#'],
      [this.keeper, SHARED],
    ] as const) {
      device.connect(this.broker, WHOLE)
      this.settle()
      device.toSend.push({ cmd: 'subscribe', messageId: 9, subscriptions: [{ topic: filter, qos: 2 }] })
      device.pump()
      this.settle()
    }
  }

  settle(): void {
    if (this.#store instanceof SlowStore) this.#store.settleAll()
    this.look()
  }

  endBatch(): void {
    if (this.#store instanceof SlowStore) this.#store.endBatch()
  }

  settleOldest(): void {
    if (this.#store instanceof SlowStore) this.#store.settleOldest()
  }

  look(): void {
    for (const device of this.#all) device.look()
  }

  async turn(): Promise<void> {
    await nextTurn()
    this.look()
  }

  /** Every client reads and is read until nothing more happens. */
  async quiesce(): Promise<void> {
    for (let quiet = 0, turns = 0; quiet < 3; turns += 1) {
      const busy =
        this.broker.core.scheduler.waiting > 0 || this.#all.some((each) => each.isOpen && each.toSend.length > 0)
      quiet = busy ? 0 : quiet + 1
      for (const device of this.#all) {
        if (device.client?.connection.congested === true) device.drain()
        device.pump()
      }
      this.settle()
      await this.turn()
      if (turns > 2_000) throw new Error('it does not come to rest')
    }
  }

  async reset(): Promise<void> {
    for (const { client } of this.#all) client?.lose()
    this.broker.stop()
    this.settle()
    expect(this.broker.core.publications.isBusy('a')).toBe(false)
    this.broker = new HandlerHarness({}, { store: this.#store, router: this.#makeRouter() })
    await this.broker.core.restore()
  }

  checkReading(): void {
    for (const { isOpen, client, id } of this.#all)
      if (isOpen) expect([id, client!.connection.paused]).toEqual([id, false])
  }

  /** All that was acknowledged has arrived. */
  checkMessages(): void {
    const acknowledged = this.devices.flatMap((device) => device.acknowledged)
    const collected = this.collector.received.map(({ payload }) => payload)
    expect(acknowledged.filter(({ payload }) => !collected.includes(payload))).toEqual([])
    const exactlyOnce = this.collector.received.filter(({ qos }) => qos === 2).map(({ payload }) => payload)
    expect(exactlyOnce.length).toBe(new Set(exactlyOnce).size)
    // Messages of one publisher on one topic and at one QoS keep their order [MQTT-4.6.0-5].
    const last = new Map<string, number>()
    const seen = new Set<string>()
    for (const { topic, payload, qos } of this.collector.received) {
      if (seen.has(payload) || topic === 't/will') continue
      seen.add(payload)
      const [id, number] = payload.split(' ')
      const kind = `${id} ${topic} ${qos}`
      expect([kind, last.get(kind) ?? 0]).toEqual([kind, Math.min(last.get(kind) ?? 0, Number(number))])
      last.set(kind, Number(number))
    }
    const shared = [this.keeper, ...this.devices].flatMap(({ received }) => received)
    const inGroup = new Set(shared.filter(({ topic }) => topic.startsWith('s/')).map(({ payload }) => payload))
    const missed = acknowledged.filter(({ topic, payload }) => topic.startsWith('s/') && !inGroup.has(payload))
    expect(missed).toEqual([])
  }

  async end(): Promise<void> {
    for (const { client } of this.#all) client?.lose()
    const { handler, core } = this.broker
    const { sessions } = core
    for (const session of sessions) core.expiredSessions.add(session)
    await this.quiesce()
    const { queuedBytes, willBytes, subscriptionBytes, unreleasedBytes } = core.gauges
    expect({ queuedBytes, willBytes, subscriptionBytes, unreleasedBytes }).toEqual({
      queuedBytes: 0,
      willBytes: 0,
      subscriptionBytes: 0,
      unreleasedBytes: 0,
    })
    expect({
      sessions: sessions.count,
      away: sessions.away.count,
      idle: sessions.away.idleCount,
      clients: handler.clients.size,
      connected: sessions.connected.size,
      backlogs: core.sharedBacklogs.count,
      ended: core.endedSessions.count,
      wills: core.wills.count,
      tasks: core.scheduler.waiting,
      subscriptions: core.router.subscriptions,
    }).toEqual({
      sessions: 0,
      away: 0,
      idle: 0,
      clients: 0,
      connected: 0,
      backlogs: 0,
      ended: 0,
      wills: 0,
      tasks: 0,
      subscriptions: 0,
    })
    for (const { id } of this.#all) expect(core.publications.isBusy(id)).toBe(false)
    const stored = await restoredState(this.#store)
    expect(stored.sessions).toEqual([])
    expect(this.broker.log.at('error')).toEqual([])
    this.broker.stop()
  }
}

const anyDevice = fc.nat(4)
const device = (world: World, index: number): Device => [world.collector, world.keeper, ...world.devices][index]!
const publisher = fc.nat(2)

const named = (name: string, run: Step): [string, Step] => [name, run]

const anyConnect = fc.record({
  clean: fc.integer({ min: 0, max: 3 }).map((n) => n === 0),
  outlives: fc.integer({ min: 0, max: 3 }).map((n) => n > 0),
  will: fc.nat(2),
  receiveMaximum: fc.integer({ min: 1, max: 3 }),
  version: fc.constantFrom(5 as const, 5 as const, 4 as const),
})
const connects = fc
  .tuple(anyDevice, anyConnect)
  .map(([index, how]) =>
    named(`connect ${index} ${JSON.stringify(how)}`, (world) =>
      device(world, index).connect(world.broker, index < 2 ? { ...how, clean: false, outlives: true } : how),
    ),
  )
const loses = anyDevice.map((index) => named(`lose ${index}`, (world) => device(world, index).client?.lose()))
const disconnects = fc.tuple(anyDevice, fc.boolean()).map(([index, withWill]) =>
  named(`disconnect ${index} ${withWill}`, (world) => {
    const { toSend, version } = device(world, index)
    toSend.push({ cmd: 'disconnect', ...(version === 5 ? { reasonCode: withWill ? 4 : 0 } : {}) })
    device(world, index).pump()
  }),
)
const publishes = fc
  .tuple(
    publisher,
    fc.constantFrom('t/1', 's/1', 't/2', 's/2', 'm/x/1', 's/1'),
    fc.constantFrom<QoS[]>(0, 1, 1, 2, 2),
    fc.boolean(),
  )
  .map(([index, topic, qos, pumps]) =>
    named(`publish ${index} ${topic} ${qos} ${pumps}`, (world) => {
      world.devices[index]!.publish(topic, qos, false)
      if (pumps) world.devices[index]!.pump()
    }),
  )
const subscribes = fc
  .tuple(publisher, fc.constantFrom(...FILTERS), fc.constantFrom<QoS[]>(0, 1))
  .map(([index, filters, qos]) =>
    named(`subscribe ${index} ${filters.length} ${filters[0]} ${qos}`, (world) => {
      // A member at QoS 0 may lose what it is given.
      const granted = filters[0]!.startsWith('$') ? 1 : qos
      const subscriptions = filters.map((topic) => ({ topic, qos: granted }))
      world.devices[index]!.toSend.push({ cmd: 'subscribe', messageId: 8, subscriptions })
      world.devices[index]!.pump()
    }),
  )
const unsubscribes = fc.tuple(publisher, fc.constantFrom(...FILTERS)).map(([index, filters]) =>
  named(`unsubscribe ${index} ${filters[0]}`, (world) => {
    world.devices[index]!.toSend.push({ cmd: 'unsubscribe', messageId: 7, unsubscriptions: filters })
    world.devices[index]!.pump()
  }),
)
const pumps = anyDevice.map((index) => named(`pump ${index}`, (world) => device(world, index).pump()))
const congests = anyDevice.map((index) =>
  named(`congest ${index}`, (world) => {
    const { client } = device(world, index)
    if (client !== undefined) client.connection.congested = true
  }),
)
const drains = anyDevice.map((index) => named(`drain ${index}`, (world) => device(world, index).drain()))
const expires = publisher.map((index) =>
  named(`expire ${index}`, (world) => {
    const session = world.broker.core.sessions.get(world.devices[index]!.id)
    if (session?.connected === false) world.broker.core.expiredSessions.add(session)
  }),
)
const willsDue = anyDevice.map((index) =>
  named(`will due ${index}`, (world) => {
    const session = world.broker.core.sessions.get(device(world, index).id)
    if (session?.connected === false && session.will.stored !== undefined) world.broker.core.wills.add(session)
  }),
)
const others = fc.constantFrom(
  named('turn', (world) => world.turn()),
  named('fill', (world) => world.broker.core.scheduler.spend(UNITS_PER_TURN)),
  named('settle', (world) => world.settle()),
  named('settle', (world) => world.settle()),
  named('end batch', (world) => world.endBatch()),
  named('settle oldest', (world) => world.settleOldest()),
)
const steps = fc.oneof(
  { weight: 8, arbitrary: connects },
  { weight: 2, arbitrary: loses },
  { weight: 2, arbitrary: disconnects },
  { weight: 20, arbitrary: publishes },
  { weight: 8, arbitrary: subscribes },
  { weight: 3, arbitrary: unsubscribes },
  { weight: 15, arbitrary: pumps },
  { weight: 3, arbitrary: congests },
  { weight: 3, arbitrary: drains },
  { weight: 2, arbitrary: expires },
  { weight: 2, arbitrary: willsDue },
  { weight: 15, arbitrary: others },
  { weight: 1, arbitrary: fc.constant(named('reset', (world) => world.reset())) },
)

/** Some 30 ms each. */
const RUNS = Math.max(isFullRun ? 100 : 25, Number(process.env['FUZZ_CASES'] ?? 0) / 100)

it('nothing acknowledged is lost, no client stays paused, and nothing is left when all sessions have ended', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.boolean(),
      fc.constantFrom(1, 15, 10_000),
      fc.constantFrom(1, 2_000),
      fc.array(steps, { minLength: 10, maxLength: 80, size: 'max' }),
      async (isSlow, limit, step, history) => {
        const world = new World(isSlow, limit, step)
        for (const [, run] of history) {
          await run(world)
          world.look()
        }
        await world.quiesce()
        world.checkReading()
        // One that unsubscribed may still hold a message that it was given before.
        for (const each of [world.collector, world.keeper, ...world.devices]) each.connect(world.broker, WHOLE)
        await world.quiesce()
        world.checkReading()
        world.checkMessages()
        await world.end()
      },
    ),
    { seed: fuzzSeed, numRuns: RUNS },
  )
})
