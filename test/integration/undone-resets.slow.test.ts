/** A hundred resets in a row that are undone, under traffic: afterwards everything is as it was before, and nothing has gathered. */

import { Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, expect, it } from 'vitest'
import { censusOf } from '../../components/broker/census.ts'
import type { LocalBroker } from '../../components/broker/local-broker.ts'
import type { Client } from '../../components/mqtt-handler/client.ts'
import type { MqttHandler } from '../../components/mqtt-handler/mqtt-handler.ts'
import { TICK_MS } from '../../src/mqtt/tick.ts'
import type { AnyComponent, AnySystemConfig } from '../../src/system/define-system.ts'
import { createSystem } from '../../src/system/lifecycle.ts'
import { eventually } from '../helpers/eventually.ts'
import { RealClient } from '../helpers/mqtt-js.ts'
import { quietSystem } from '../helpers/start-broker.ts'

const CLIENTS = 20
const RESETS = 100
/** Longer than any interval of a client of this test, in milliseconds. */
const FAR = 4_000_000

const ending: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ending.splice(0).toReversed()) await end()
})

type AnyHandover = NonNullable<AnyComponent['handover']>
const edited = (
  name: 'mqttHandler' | 'broker',
  change: (handover: AnyHandover) => Partial<AnyHandover> = () => ({}),
) => {
  const component = quietSystem[name].component as AnyComponent
  const handover = { ...component.handover!, ...change(component.handover!) }
  return { ...quietSystem[name], component: { ...component, handover } }
}

/** Successors of failed resets, to find out whether they are collected. */
const made: WeakRef<object>[] = []
const noted = (handover: AnyHandover): Partial<AnyHandover> => ({
  prepare: async (...parts) => {
    const instance = await handover.prepare(...parts)
    made.push(new WeakRef(instance as object))
    return instance
  },
})
/** The pipeline of the connection with this number is not opened. */
const failingAt = (connection: number) => (handover: AnyHandover) => ({
  prepare: async (...parts: Parameters<AnyHandover['prepare']>) => {
    const stage = (await noted(handover).prepare!(...parts)) as { open: (...of: unknown[]) => unknown }
    const { open } = stage
    let opened = 0
    stage.open = (...of) => {
      opened += 1
      if (opened > connection) throw new Error('not this one')
      return open.apply(stage, of)
    }
    return stage
  },
})

const resources = () =>
  process
    .getActiveResourcesInfo()
    .filter((name) => name !== 'Immediate')
    .sort()
/** The names that are more often in a list than in an earlier one. */
const added = (names: readonly string[], earlier: readonly string[]): string[] => {
  const rest = [...earlier]
  return names.filter((name) => {
    const at = rest.indexOf(name)
    if (at !== -1) rest.splice(at, 1)
    return at === -1
  })
}
/** The sockets that a server on this port has accepted. The broker takes them from Node without an event. */
const socketsOf = (port: number): Socket[] => {
  const { _getActiveHandles: handles } = process as unknown as { _getActiveHandles(): unknown[] }
  return handles().filter((handle): handle is Socket => handle instanceof Socket && handle.localPort === port)
}
const collect = async () => {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as () => void
  for (let count = 0; count < 5; count += 1) {
    await nextTurn()
    gc()
  }
}

it('leaves clients, timers, listeners and watches as they were', async () => {
  const system = createSystem(quietSystem)
  await system.start()
  ending.push(() => system.stop())
  const { port } = system.map.server
  const closed: string[] = []
  const clients: RealClient[] = []
  for (let n = 0; n < CLIENTS; n += 1) {
    const client = await RealClient.connect(port, n % 2 === 0 ? 4 : 5, { clientId: `c${n}`, keepalive: 600 })
    client.mqtt.on('close', () => closed.push(`c${n}`))
    ending.push(() => client.mqtt.endAsync(true))
    await client.mqtt.subscribeAsync(`to/${n}`, { qos: 2 })
    clients.push(client)
  }
  const will = {
    topic: 'w',
    payload: Buffer.from('w'),
    qos: 0 as const,
    retain: false,
    properties: { willDelayInterval: 3_000 },
  }
  const away = await RealClient.connect(port, 5, {
    clientId: 'away',
    keepalive: 0,
    will,
    properties: { sessionExpiryInterval: 3_500 },
  })
  await away.vanish()
  await eventually(() => expect(system.map.server.connections).toBe(CLIENTS))

  /** Each client sends to the next one, at QoS 0, 1 and 2 in turn. @returns how many each has sent. */
  const traffic = async (isOver: () => boolean) => {
    return Promise.all(
      clients.map(async ({ mqtt }, n) => {
        let sent = 0
        while (!isOver()) {
          const qos = (sent % 3) as 0 | 1 | 2
          sent += 1
          await mqtt.publishAsync(`to/${(n + 1) % CLIENTS}`, `${sent}`, { qos })
        }
        return sent
      }),
    )
  }
  const sockets = socketsOf(port)
  expect(sockets).toHaveLength(CLIENTS)
  const handler = system.map.mqttHandler as MqttHandler
  const broker = system.map.broker as LocalBroker
  const state = () => ({
    resources: resources(),
    listeners: sockets.map((socket) => socket.eventNames().map((name) => [String(name), socket.listenerCount(name)])),
    census: censusOf(broker.core),
    waiting: [
      broker.core.awaiting,
      broker.core.scheduler.waiting,
      handler.silentClients.size,
      handler.lateAnswers.size,
    ],
    handler: [handler.clients.size, handler.connecting.count, handler.seat.registered.size, handler.rates.slowed],
    connections: system.map.server.connections,
  })
  let isOver = false
  await traffic(() => true)
  const before = state()

  const running = traffic(() => isOver)
  for (let count = 0; count < RESETS; count += 1) {
    const mqttHandler = edited('mqttHandler', failingAt(count % (CLIENTS + 1)))
    // Each second time the broker is another one as well. One that works for all connections fails at the last check.
    const config =
      count % 2 === 0
        ? { ...quietSystem, mqttHandler }
        : { ...quietSystem, mqttHandler, broker: edited('broker', noted) }
    const failing = count % (CLIENTS + 1) === CLIENTS ? unverified(config as AnySystemConfig) : config
    // The error refers to the generation that was given up: it must not be kept.
    const failed = await system.apply(failing).catch(({ code, undoErrors }) => ({ code, undoErrors }))
    expect(failed).toEqual({ code: 'RESET_FAILED', undoErrors: [] })
    await nextTurn()
  }
  isOver = true
  const sent = await running
  for (const [n, client] of clients.entries()) {
    const count = sent[(n + CLIENTS - 1) % CLIENTS]!
    expect((await client.take(count)).map(({ payload }) => Number(payload))).toEqual(
      Array.from({ length: count }, (_, index) => index + 1),
    )
  }
  expect(closed).toEqual([])
  expect([system.map.mqttHandler, system.map.broker]).toEqual([handler, broker])
  /** The test runner has timers too, and one of them may have ended meanwhile: only what was added counts. */
  const since = () => {
    const { resources: names, ...rest } = state()
    return { ...rest, resources: [...before.resources, ...added(names, before.resources)] }
  }
  // Not with `eventually`, which has timers itself.
  for (let turn = 0; turn < 10_000 && !isDeepStrictEqual(since(), before); turn += 1) await nextTurn()
  expect(since()).toEqual(before)
  await collect()
  expect(made.length).toBeGreaterThan(RESETS)
  expect(made.filter((instance) => instance.deref() !== undefined).length).toBeLessThan(3)

  // One that works, over what is there now.
  const report = await system.apply({
    ...quietSystem,
    mqttHandler: edited('mqttHandler'),
    broker: edited('broker'),
  } as never)
  expect(report.errors).toEqual([])
  const { keepAlive } = system.map.mqttHandler as MqttHandler
  const watched: Client[] = []
  // In small steps: a process that was stopped for long does not take that for silence of its clients.
  for (let time = performance.now(), end = time + FAR; time < end; time += TICK_MS)
    watched.push(...keepAlive.advance(time))
  expect(watched.map(({ identity }) => identity.clientId).sort()).toEqual(clients.map((_, n) => `c${n}`).sort())
  const { sessions } = (system.map.broker as LocalBroker).core
  for (const wheel of [sessions.expiry, sessions.willDelay]) {
    expect(wheel.advance(performance.now() + FAR).map(({ id }) => id)).toEqual(['away'])
  }
  expect(closed).toEqual([])
})

const unverified = (config: AnySystemConfig): AnySystemConfig => {
  const verify = () => {
    throw new Error('not today')
  }
  const entry = config['mqttHandler']!
  return { ...config, mqttHandler: { ...entry, component: { ...entry.component, verify } } } as AnySystemConfig
}
