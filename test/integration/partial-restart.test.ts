/** The shipped system over resets in place: what does not change goes on, and what restarts finds nothing of its predecessor. */

import { type IClientOptions, type MqttClient, connect as open } from 'mqtt'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { SystemMap } from '../../src/system/define-system.ts'
import { createSystem, type System } from '../../src/system/lifecycle.ts'
import { quietSystem } from '../helpers/start-broker.ts'

let system: System
const clients: MqttClient[] = []
const map = () => system.map as unknown as SystemMap<typeof quietSystem>

const connect = async (options: IClientOptions) => {
  const messages: string[] = []
  const client = open({ host: '127.0.0.1', port: map().server.port, reconnectPeriod: 0, ...options })
  clients.push(client)
  client.on('message', (topic, payload) => messages.push(`${topic} ${payload}`))
  await new Promise((resolve) => client.once('connect', resolve))
  return { client, messages }
}
const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve))
}
const verdicts = (parts: readonly { name: string; verdict: string }[]) =>
  Object.fromEntries(parts.map(({ name, verdict }) => [name, verdict]))

beforeEach(async () => {
  system = createSystem(quietSystem) as unknown as System
  await system.start()
})
afterEach(async () => {
  for (const client of clients.splice(0)) await client.endAsync(true)
  await system.stop()
})

describe('a reset of the running broker', () => {
  it('keeps connections when nothing that they use changes', async () => {
    const { client, messages } = await connect({ clientId: 'a' })
    await client.subscribeAsync('t')
    const plan = await system.plan({ ...quietSystem })
    expect(plan.parts.every(({ verdict }) => verdict === 'keep')).toBe(true)
    expect(plan.connections).toEqual([{ listener: 'server', keptUntouched: 1, repiped: 0, closed: 0 }])
    await system.apply({ ...quietSystem }, { keep: 'all' })
    await client.publishAsync('t', 'still here', { qos: 1 })
    await until(() => messages.length > 0)
    expect(client.connected).toBe(true)
  })

  it.each([
    ['the broker', { broker: { ...quietSystem.broker, component: { ...quietSystem.broker.component } } }],
    ['the router', { router: { ...quietSystem.router, component: { ...quietSystem.router.component } } }],
    ['the store', { store: { ...quietSystem.store, component: { ...quietSystem.store.component } } }],
  ])('with other code of %s keeps its sessions, once each', async (_, change) => {
    const away = { clientId: 'away', clean: false, protocolVersion: 4 } as const
    const { client } = await connect(away)
    await client.subscribeAsync({ 'a/+': { qos: 1 } })
    await client.endAsync()
    const { port } = map().server
    await system.apply({ ...quietSystem, ...withoutHandover(change) })
    expect(map().server.port).toBe(port)
    // Nothing is left of those who subscribed before.
    expect(map().router.subscriptions).toBe(1)
    const publisher = await connect({ clientId: 'publisher' })
    await publisher.client.publishAsync('a/1', 'one', { qos: 1, retain: true })
    expect(map().store).toMatchObject({ counts: { sessions: 1, subscriptions: 1, queued: 1, retained: 1 } })
    const { messages } = await connect(away)
    await until(() => messages.length > 0)
    await publisher.client.publishAsync('a/2', 'two', { qos: 1 })
    await until(() => messages.length > 1)
    expect(messages).toEqual(['a/1 one', 'a/2 two'])
  })

  it('with other code of the handler restarts the handler and the server alone', async () => {
    const { client } = await connect({ clientId: 'a' })
    const { broker, router, store } = map()
    const mqttHandler = { ...quietSystem.mqttHandler, component: { ...quietSystem.mqttHandler.component } }
    const changed = { ...quietSystem, ...withoutHandover({ mqttHandler }) }
    const ended = new Promise<void>((resolve) => client.once('close', () => resolve()))
    const report = await system.apply(changed)
    await ended
    expect(verdicts(report.parts)).toMatchObject({ broker: 'keep', mqttHandler: 'restart', server: 'restart' })
    expect(report.plan.connections).toEqual([{ listener: 'server', keptUntouched: 0, repiped: 0, closed: 1 }])
    expect([map().broker === broker, map().router === router, map().store === store]).toEqual([true, true, true])
    const { messages, client: again } = await connect({ clientId: 'a' })
    await again.subscribeAsync('t')
    await again.publishAsync('t', 'after', { qos: 1 })
    await until(() => messages.length > 0)
  })
})

/** The entries with components that cannot hand over. */
const withoutHandover = (entries: Readonly<Record<string, { readonly component: object }>>) =>
  Object.fromEntries(
    Object.entries(entries).map(([name, entry]) => {
      const { handover: _, ...component } = entry.component as { handover?: unknown }
      return [name, { ...entry, component }]
    }),
  )
