import fc, { type AsyncCommand } from 'fast-check'
import type { ModelClient } from './model-client.ts'
import type { World } from './world.ts'

/** The world is its own model: what a client knows decides what it may do. */
export type WorldCommand = AsyncCommand<World, World>

const command = (
  name: string,
  check: (world: World) => boolean,
  run: (world: World) => void | Promise<void>,
): WorldCommand => ({
  check,
  run: async (world) => run(world),
  toString: () => name,
})

/** A command of one client, which is chosen by a number. */
const ofClient = (
  name: string,
  client: number,
  check: (client: ModelClient) => boolean,
  run: (client: ModelClient, world: World) => void,
): WorldCommand =>
  command(
    `${name} ${'abc'[client]}`,
    ({ clients }) => check(clients[client]!),
    (world) => run(world.clients[client]!, world),
  )

const TOPICS = ['long/1', 'long/2', 'y'] as const

const client = fc.nat(2)
/** Mostly a few packets, now and then all there are. */
const count = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 3 }) },
  { weight: 1, arbitrary: fc.constant(1_000) },
)

const connect = client.map((index) =>
  ofClient(
    'connect',
    index,
    ({ wire }) => wire === undefined,
    (each) => each.connect(),
  ),
)
const publish = fc
  .tuple(client, fc.constantFrom(...TOPICS), fc.constantFrom(1 as const, 2 as const), fc.integer({ min: 1, max: 3 }))
  .map(([index, topic, qos, times]) =>
    ofClient(
      `publish ${times}x ${topic} QoS ${qos} by`,
      index,
      ({ mayPublish }) => mayPublish,
      (each, world) => {
        for (let n = 0; n < times && each.mayPublish; n += 1) world.publish(each, topic, qos)
      },
    ),
  )
const bring = fc.tuple(client, count).map(([index, packets]) =>
  ofClient(
    `bring ${packets} to the broker of`,
    index,
    ({ wire }) => (wire?.up.length ?? 0) > 0,
    (each, world) => world.bring(each, packets),
  ),
)
const read = fc.tuple(client, count).map(([index, packets]) =>
  ofClient(
    `bring ${packets} to`,
    index,
    ({ wire }) => wire !== undefined && (wire.down.length > 0 || !wire.connection.open),
    (each) => each.read(packets),
  ),
)
const answer = fc.tuple(client, count).map(([index, packets]) =>
  ofClient(
    `${packets} answers of`,
    index,
    ({ answers, wire }) => answers > 0 && wire !== undefined,
    (each) => each.answer(packets),
  ),
)
const cut = fc.tuple(client, fc.boolean()).map(([index, noticed]) =>
  ofClient(
    noticed ? 'cut' : 'cut, unnoticed by the broker,',
    index,
    ({ wire }) => wire !== undefined,
    (each, world) => world.cut(each, noticed),
  ),
)
const notice = fc.tuple(client, fc.constantFrom(0, 1, 1_000)).map(([index, packets]) =>
  ofClient(
    `after ${packets} more, the broker notices the cut of`,
    index,
    ({ halfOpen }) => halfOpen !== undefined,
    (each, world) => world.notice(each, packets),
  ),
)
const disconnect = client.map((index) =>
  ofClient(
    'DISCONNECT of',
    index,
    ({ connected }) => connected,
    (each, world) => {
      each.wire!.up.push({ cmd: 'disconnect' })
      world.bring(each, Number.POSITIVE_INFINITY)
      each.disconnected()
    },
  ),
)
const settle = fc.constantFrom('oldest' as const, 'all' as const).map((how) =>
  command(
    `settle ${how}`,
    ({ store }) => store.pending.length > 0,
    (world) => world.settle(how),
  ),
)
const endBatch = fc.constant(
  command(
    'end the batch',
    ({ store }) => store.pending.length > 0,
    ({ store }) => store.endBatch(),
  ),
)
const calm = fc.constant(
  command(
    'everything arrives',
    () => true,
    (world) => world.calm(),
  ),
)
const crash = fc.constant(
  command(
    'crash',
    () => true,
    (world) => world.crash(),
  ),
)

/** Those that come more often stand here more than once. */
const faultless = [publish, publish, publish, bring, bring, bring, read, read, read, answer, answer, settle, connect]

/** What may happen while the broker runs. */
export const networkFaults = [...faultless, connect, endBatch, calm, cut, cut, notice, disconnect]

/** And what may happen to the broker itself. */
export const allFaults = [...networkFaults, crash]
