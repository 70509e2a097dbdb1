/** The parts with which a broker becomes one of several: its system has them as entries, and nothing is wired to them. */

import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { LocalRouter } from '../../components/router/local-router.ts'
import base from '../../memory.config.ts'
import { Durability } from '../../src/kinds/durability.ts'
import { type PublishResult, Router, type Subscriber } from '../../src/kinds/router.ts'
import { SessionOwnership } from '../../src/kinds/session-ownership.ts'
import type { Message } from '../../src/mqtt/message.ts'
import { checkConfig } from '../../src/system/check-config.ts'
import { defineComponent, defineSystem } from '../../src/system/define-system.ts'
import { packetBytes } from '../helpers/packet-bytes.ts'
import { RawClient } from '../helpers/raw-client.ts'
import { providing, SlowStore } from '../helpers/slow-store.ts'
import { type Broker, quietSystem, startBroker } from '../helpers/start-broker.ts'
import { Stream } from '../helpers/stream.ts'

const hex = (notation: string) => Buffer.from(packetBytes(notation)).toString('hex')
const connect = (id: string) => hex(`10 @ "MQTT" 04 02 0000 "${id}"`)
const CONNACK = '20020000'
const PINGREQ = 'c000'
const PINGRESP = 'd000'
const PUBLISH = hex(`32 @ "a" 0001 'x'`)
const PUBACK = '40020001'

const running: Broker[] = []
const clients: RawClient[] = []
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy()
  for (const broker of running.splice(0)) await broker.stop()
})
const start = async (system: object): Promise<Broker> => {
  const broker = await startBroker(system)
  running.push(broker)
  return broker
}
const open = async (port: number): Promise<RawClient> => {
  const client = await RawClient.connect(port)
  clients.push(client)
  return client
}

describe('a component that provides Durability', () => {
  /** A router that writes each message to a stream. */
  class StreamRouter extends LocalRouter {
    readonly #stream: Stream

    constructor(stream: Stream) {
      super()
      this.#stream = stream
    }

    override publish(message: Message, publisher?: Subscriber, limit?: number): PublishResult {
      this.#stream.record()
      return super.publish(message, publisher, limit)
    }
  }
  const streamed = (stream: Stream) => ({
    stream: {
      component: defineComponent({
        provides: Durability,
        needs: {},
        config: z.strictObject({}),
        start: () => stream,
      }),
    },
    router: {
      component: defineComponent({
        provides: Router,
        needs: {},
        config: z.strictObject({}),
        start: () => new StreamRouter(stream),
      }),
    },
  })

  it('is waited for by the answers that depend on it, without an entry in the dependencies of the broker', async () => {
    const stream = new Stream()
    const { port } = await start(defineSystem({ ...quietSystem, ...streamed(stream) }))
    const client = await open(port)
    client.send(connect('client'), PUBLISH, PINGREQ)
    // CONNACK promises nothing that the stream has; PINGRESP does not wait for PUBACK.
    expect(await client.receive(4 + 2)).toBe(CONNACK + PINGRESP)
    expect(stream.records).toBe(1)
    stream.endBatch()
    stream.settle()
    expect(await client.receive(4)).toBe(PUBACK)
  })

  it('has no record of the topics below $SYS, and no answer waits for them', async () => {
    const stream = new Stream()
    const { sysTopics } = base
    const { port, map } = await start(defineSystem({ ...quietSystem, ...streamed(stream), sysTopics }))
    const client = await open(port)
    client.send(connect('client'), hex(`82 @ 0001 "$SYS/broker/a" 00`))
    expect(await client.receive(4 + 5)).toBe(`${CONNACK}9003000100`)
    map.broker.volatileTopics().publish('$SYS/broker/a', 'x')
    expect(await client.receive(18)).toBe(hex(`30 @ "$SYS/broker/a" 'x'`))
    const { core } = map.broker as unknown as { core: { journal: { position: number } } }
    expect([stream.records, core.journal.position]).toEqual([0, 0])
    // A message that is published for all processes has a record.
    map.broker.publish({ topic: '$SYS/broker/a', payload: 'y' })
    expect(stream.records).toBe(1)
  })

  it('is waited for beside the store, which is counted once', async () => {
    const stream = new Stream()
    const store = new SlowStore()
    const { port, map } = await start(
      defineSystem({ ...quietSystem, ...streamed(stream), store: { component: providing(store) } }),
    )
    const { core } = map.broker as unknown as { core: { journal: { position: number; isImmediate: boolean } } }
    expect(core.journal.isImmediate).toBe(false)
    const client = await open(port)
    client.send(connect('client'))
    expect(await client.receive(4)).toBe(CONNACK)
    // A retained message is a record of the store as well.
    client.send(hex(`33 @ "a" 0001 'x'`), PINGREQ)
    expect(await client.receive(2)).toBe(PINGRESP)
    expect([core.journal.position, stream.records, store.pending.length]).toEqual([2, 1, 1])
    store.settleAll()
    client.send(PINGREQ)
    expect(await client.receive(2)).toBe(PINGRESP)
    stream.endBatch()
    stream.settle()
    expect(await client.receive(4)).toBe(PUBACK)
  })
})

describe('a component that provides SessionOwnership', () => {
  const owned = (claim: SessionOwnership['claim']) =>
    defineComponent({
      provides: SessionOwnership,
      needs: {},
      config: z.strictObject({}),
      start: (): SessionOwnership => ({ claim }),
    })

  it('is asked for each session, without an entry in the dependencies of the broker; a client waits for its claim', async () => {
    const claims: { id: string; grant(): void }[] = []
    let begun: () => void = () => undefined
    const claimBegins = new Promise<void>((resolve) => {
      begun = resolve
    })
    const claim = (id: string) => {
      if (id === 'local') return undefined
      begun()
      return new Promise<void>((grant) => void claims.push({ id, grant }))
    }
    const { port, map } = await start(defineSystem({ ...quietSystem, ownership: { component: owned(claim) } }))
    const remote = (await open(port)).send(connect('remote'))
    await claimBegins
    const local = (await open(port)).send(connect('local'))
    expect(await local.receive(4)).toBe(CONNACK)
    expect([claims.map(({ id }) => id), map.broker.session('remote')]).toEqual([['remote'], undefined])
    claims[0]!.grant()
    expect(await remote.receive(4)).toBe(CONNACK)
    expect(map.broker.session('remote')).toBeDefined()
  })

  it('is there once', () => {
    const component = owned(() => undefined)
    const { problems } = checkConfig({ ...quietSystem, one: { component }, other: { component } })
    expect(problems).toEqual([
      { path: ['other', 'component'], message: expect.stringContaining('duplicate provider of SessionOwnership') },
    ])
    expect(checkConfig({ ...quietSystem, one: { component }, other: { component, enabled: false } }).problems).toEqual(
      [],
    )
  })
})
