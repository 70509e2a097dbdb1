import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectAsync, connect as connectNow, type IClientOptions, type MqttClient } from 'mqtt'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { lmdbStore } from '../../components/store-lmdb/index.ts'
import { defineSystem } from '../../src/system/define-system.ts'
import { type Broker, quietSystem, startBroker } from '../helpers/start-broker.ts'

let path: string
let broker: Broker
beforeEach(async () => {
  path = mkdtempSync(join(tmpdir(), 'store-lmdb-system-'))
  broker = await start()
})
afterEach(async () => {
  await broker.stop()
  rmSync(path, { recursive: true, force: true })
})

const start = () => {
  const store = { component: lmdbStore, config: { path }, dependencies: { logger: 'logger' as const } }
  return startBroker(defineSystem({ ...quietSystem, store }))
}
const connect = (options: IClientOptions = {}) =>
  connectAsync({ host: '127.0.0.1', port: broker.port, reconnectPeriod: 0, protocolVersion: 5, ...options })
const away: IClientOptions = { clientId: 'away', clean: false, properties: { sessionExpiryInterval: 1_000 } }

/** Messages as they come, from before the connection is there. */
const resume = async (count: number): Promise<{ client: MqttClient; got: string[] }> => {
  const { promise, resolve } = withResolvers()
  const got: string[] = []
  const client = connectNow({
    host: '127.0.0.1',
    port: broker.port,
    reconnectPeriod: 0,
    protocolVersion: 5,
    ...away,
    manualConnect: true,
  })
  client.on('message', (topic, payload, { qos, retain }) => {
    got.push(`${topic} ${payload} ${qos} ${retain}`)
    if (got.length === count) resolve()
  })
  client.connect()
  await promise
  return { client, got }
}
const withResolvers = (): { promise: Promise<void>; resolve: () => void } => {
  let resolve = (): void => undefined
  const promise = new Promise<void>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}

it('has sessions, queued and retained messages after the broker was stopped and started', async () => {
  const subscriber = await connect(away)
  await subscriber.subscribeAsync({ 'one/#': { qos: 1 }, 'two/#': { qos: 2 } })
  await subscriber.endAsync()
  const publisher = await connect()
  await Promise.all([
    publisher.publishAsync('one/a', '1', { qos: 1 }),
    publisher.publishAsync('two/a', '2', { qos: 2 }),
    publisher.publishAsync('kept', '3', { qos: 1, retain: true }),
  ])
  await publisher.endAsync()
  await broker.stop()
  broker = await start()
  const { client, got } = await resume(2)
  expect(got.toSorted()).toEqual(['one/a 1 1 false', 'two/a 2 2 false'])
  const kept = new Promise<string>((received) => {
    client.on('message', (topic, payload, { retain }) => received(`${topic} ${payload} ${retain}`))
  })
  await client.subscribeAsync('kept', { qos: 1 })
  expect(await kept).toBe('kept 3 true')
  await client.endAsync()
})
