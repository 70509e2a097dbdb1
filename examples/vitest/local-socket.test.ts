import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectAsync } from 'mqtt'
import { createSystem, defineSystem } from 'mqtt-jig'
import system from 'mqtt-jig/system.config'
import { startTestBroker } from 'mqtt-jig/testing'
import { transportContract } from 'mqtt-jig/testing/contracts'
import { afterAll, expect, test } from 'vitest'
import { localSocket } from './local-socket.ts'

const folder = mkdtempSync(join(tmpdir(), 'local-socket-'))
afterAll(() => rmSync(folder, { recursive: true }))
let sockets = 0
const newPath = () => join(folder, `${++sockets}.sock`)

transportContract('localSocket', async () => {
  const path = newPath()
  const running = createSystem(defineSystem({ local: { component: localSocket, config: { path } } }))
  await running.start()
  return {
    transport: running.map.local,
    connect: async () => {
      const client = connect({ path, allowHalfOpen: true })
      await once(client, 'connect')
      return client
    },
    stop: () => running.stop(),
  }
})

test('a client of the socket and a client of TCP exchange messages', async () => {
  const path = newPath()
  const broker = await startTestBroker({ system: { ...system, local: { component: localSocket, config: { path } } } })
  const [local, remote] = [await connectAsync(`mqtt+unix://${path}`), await connectAsync(broker.url)]
  await remote.subscribeAsync('a')
  const message = new Promise<string>((resolve) => {
    remote.once('message', (_topic, payload) => resolve(payload.toString()))
  })
  await local.publishAsync('a', 'hello')
  expect(await message).toBe('hello')
  expect(broker.system.map.server.listeners.map(({ name, connections }) => [name, connections])).toEqual([
    ['server', 1],
    ['local', 1],
  ])
  await Promise.all([local.endAsync(), remote.endAsync()])
  await broker.close()
})
