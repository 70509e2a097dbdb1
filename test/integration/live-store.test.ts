/** A store on the disk whose code is edited while clients are connected. */

import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { lmdbStore } from '../../components/store-lmdb/index.ts'
import type { AnyComponent, AnySystemConfig } from '../../src/system/define-system.ts'
import { createSystem } from '../../src/system/lifecycle.ts'
import { RealClient } from '../helpers/mqtt-js.ts'
import { quietSystem } from '../helpers/start-broker.ts'

const MESSAGES = 20

const ending: (() => unknown)[] = []
let path: string
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'live-store-'))
  ending.push(() => rmSync(path, { recursive: true, force: true }))
})
afterEach(async () => {
  for (const end of ending.splice(0).toReversed()) await end()
})

const configOf = (component: unknown = lmdbStore, config: object = {}) => ({
  ...quietSystem,
  store: { component, config: { path, ...config }, dependencies: { logger: 'logger' } },
})
type Config = typeof quietSystem

/** The code of the store, and that of the broker if it is wanted, loaded a second time. */
const loadedAgain = async (withBroker = false): Promise<Config> => {
  vi.resetModules()
  const store = (await import('../../components/store-lmdb/index.ts')).lmdbStore
  const config = configOf(store)
  if (!withBroker) return config as unknown as Config
  const { broker } = await import('../../components/broker/index.ts')
  return { ...config, broker: { ...config.broker, component: broker } } as unknown as Config
}

/** A component whose hand-over fails in the cut-over. */
const failing = (config: Config, name: 'store' | 'broker'): AnySystemConfig => {
  const component = config[name].component as AnyComponent
  const verify = () => {
    throw new Error('not today')
  }
  return { ...config, [name]: { ...config[name], component: { ...component, verify } } } as AnySystemConfig
}

const start = async () => {
  const system = createSystem(configOf() as unknown as Config)
  await system.start()
  ending.push(() => system.stop())
  const closed: string[] = []
  const connect = async (id: string) => {
    const properties = { sessionExpiryInterval: 3_600 }
    const client = await RealClient.connect(system.map.server.port, 5, { clientId: id, clean: false, properties })
    client.mqtt.on('close', () => closed.push(id))
    ending.push(() => client.mqtt.endAsync(true))
    return client
  }
  const [alice, bob] = [await connect('alice'), await connect('bob')]
  await alice.mqtt.subscribeAsync({ 'chat/1': { qos: 1 }, 'chat/2': { qos: 2 } })
  let round = 0
  /** Messages at QoS 1 and 2 before, while and after something is done. All must be acknowledged, and come once and in order. */
  const during = async (work: () => Promise<unknown>): Promise<void> => {
    round += 1
    const publish = (part: string) =>
      Array.from({ length: MESSAGES }, (_, count) =>
        ([1, 2] as const).map((qos) => bob.mqtt.publishAsync(`chat/${qos}`, `${round} ${part} ${count}`, { qos })),
      ).flat()
    const before = publish('before')
    await Promise.all([work(), ...publish('while')])
    await Promise.all([...before, ...publish('after')])
    const received = await alice.take(2 * 3 * MESSAGES)
    const wanted = ['before', 'while', 'after'].flatMap((part) =>
      Array.from({ length: MESSAGES }, (_, count) => `${round} ${part} ${count}`),
    )
    for (const qos of [1, 2]) {
      expect(received.filter(({ topic }) => topic === `chat/${qos}`).map(({ payload }) => payload)).toEqual(wanted)
    }
    expect(closed).toEqual([])
  }
  return { system, during, connect }
}

it('is swapped, alone and with the broker, and clients notice nothing', async () => {
  const { system, during } = await start()
  for (const [withBroker, broker] of [
    [false, 'adjust'],
    [true, 'swap'],
    // Back to the first one.
    [false, 'swap'],
  ] as const) {
    const config = await loadedAgain(withBroker)
    await during(async () => {
      const { parts, errors } = await system.apply(config)
      expect(errors).toEqual([])
      expect(parts.filter(({ name }) => ['store', 'broker'].includes(name)).map(({ verdict }) => verdict)).toEqual([
        'swap',
        broker,
      ])
    })
  }
})

it('goes on when a swap is undone, and clients notice nothing', async () => {
  const { system, during } = await start()
  for (const [withBroker, name] of [
    [false, 'store'],
    [true, 'broker'],
    [true, 'store'],
  ] as const) {
    const config = failing(await loadedAgain(withBroker), name)
    await during(() =>
      expect(system.apply(config)).rejects.toMatchObject({ code: 'RESET_FAILED', phase: 'verify', undoErrors: [] }),
    )
  }
  await during(async () => system.apply(await loadedAgain()))
})

it('has what was acknowledged before and after swaps when the broker is stopped and started', async () => {
  const { system, connect } = await start()
  const away = await connect('away')
  await away.mqtt.subscribeAsync('mail', { qos: 2 })
  await away.mqtt.endAsync()
  const sender = await connect('sender')
  for (let count = 0; count < 4; count += 1) {
    await sender.mqtt.publishAsync('mail', `${count}`, { qos: count % 2 === 0 ? 1 : 2 })
    await system.apply((await loadedAgain()) as unknown as AnySystemConfig)
  }
  await system.stop()
  const again = createSystem(configOf() as unknown as Config)
  await again.start()
  ending.push(() => again.stop())
  const back = await RealClient.connect(again.map.server.port, 5, { clientId: 'away', clean: false })
  ending.push(() => back.mqtt.endAsync(true))
  expect((await back.take(4)).map(({ payload }) => payload).toSorted()).toEqual(['0', '1', '2', '3'])
})

it('is restarted and not swapped for another directory', async () => {
  const { system } = await start()
  const other = { path: join(path, 'other') }
  const { parts } = await system.apply(configOf(lmdbStore, other) as unknown as AnySystemConfig)
  expect(parts.find(({ name }) => name === 'store')).toMatchObject({ verdict: 'restart', reasons: ['config.path'] })
  expect(existsSync(join(path, 'other', 'data.mdb'))).toBe(true)
})
