/** A mosquitto and the broker beside it, with the same clients: the topics below `$SYS/broker/` are the same, and so are their values. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { IClientOptions } from 'mqtt'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sysTopics } from '../../components/sys-topics/index.ts'
import { unixSocket } from '../../components/unix-socket/index.ts'
import { defineSystem } from '../../src/system/define-system.ts'
import { createSystem } from '../../src/system/lifecycle.ts'
import { eventually } from '../helpers/eventually.ts'
import { RealClient } from '../helpers/mqtt-js.ts'
import { quietSystem } from '../helpers/start-broker.ts'
import { endPrograms, run } from '../smoke/program.ts'
import { describeClient, requirements } from './requirements.ts'

/** The values below `$SYS/broker/` of a broker, as a client that stays subscribed gets them. */
type Values = Map<string, string>

/** Topics whose values depend on the time, on the process, or on what a broker itself retains, by the page of the component. */
const OTHER_VALUES = /^(version|uptime|heap\/|load\/|retained messages\/|store\/|messages\/stored$)/

let folder: string
let stop: () => Promise<void>
const brokers = new Map<string, { readonly path: string; readonly values: Values }>()
const clients: RealClient[] = []

const connect = async (path: string, options: IClientOptions = {}): Promise<RealClient> => {
  const client = await RealClient.connect(0, 4, { unixSocket: true, path, ...options } as IClientOptions)
  clients.push(client)
  return client
}

/** Subscribes to the topics of both brokers. Each client does the same with both of them. */
const watch = async (path: string): Promise<Values> => {
  const watcher = await connect(path, { clientId: 'watcher' })
  const values: Values = new Map()
  watcher.mqtt.on('message', (topic, payload) => void values.set(topic.replace('$SYS/broker/', ''), payload.toString()))
  await watcher.mqtt.subscribeAsync('$SYS/broker/#')
  return values
}

describeClient('The topics below $SYS/broker of a mosquitto and of the broker', [requirements.mosquitto], () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'mqtt-jig-sys-'))
    const [theirs, ours] = [join(folder, 'theirs'), join(folder, 'ours')]
    const lines = [
      `listener 0 ${theirs}`,
      'allow_anonymous true',
      'sys_interval 1',
      'user root',
      'max_queued_messages 2',
    ]
    writeFileSync(join(folder, 'mosquitto.conf'), `${[...lines, 'log_dest stdout'].join('\n')}\n`)
    const mosquitto = run('stdbuf', ['-oL', 'mosquitto', '-c', join(folder, 'mosquitto.conf')])
    await mosquitto.line(/running/)
    const system = createSystem(
      defineSystem({
        ...quietSystem,
        broker: { ...quietSystem.broker, config: { maximumQueuedMessages: 2 } },
        socket: { component: unixSocket, config: { path: ours }, dependencies: { logger: 'logger' } },
        sysTopics: {
          component: sysTopics,
          config: { intervalSeconds: 1, version21: false },
          dependencies: { broker: 'broker', logger: 'logger' },
        },
      }),
    )
    await system.start()
    stop = () => system.stop()
    for (const [name, path] of Object.entries({ theirs, ours })) brokers.set(name, { path, values: await watch(path) })
  })
  afterAll(async () => {
    for (const { mqtt } of clients) mqtt.end(true)
    await endPrograms()
    await stop?.()
    rmSync(folder, { recursive: true, force: true })
  })

  const theirs = () => brokers.get('theirs')!.values
  const ours = () => brokers.get('ours')!.values

  test('the topics are the same', async () => {
    await eventually(() => {
      expect([...ours().keys()].sort()).toEqual([...theirs().keys()].sort())
      expect(ours().size).toBeGreaterThan(50)
    })
  })

  test('the values that mean the same are the same after the same clients', async () => {
    for (const { path } of brokers.values()) await useAllOf(path)
    // What the watchers themselves are sent is not the same: the topics of a broker change with its values.
    const unlike = /sent|received/
    await eventually(() => {
      const compared = [...theirs()].filter(([topic]) => !OTHER_VALUES.test(topic) && !unlike.test(topic))
      expect(compared.length).toBeGreaterThan(8)
      expect(Object.fromEntries(compared)).toEqual(
        Object.fromEntries(compared.map(([topic]) => [topic, ours().get(topic)])),
      )
      expect(Object.fromEntries(compared)).toMatchObject({
        'clients/connected': '2',
        'clients/disconnected': '1',
        'clients/total': '3',
        'clients/maximum': '3',
        'subscriptions/count': '4',
        'shared_subscriptions/count': '1',
        'publish/messages/dropped': '3',
      })
      // Each broker counts the same packets, those of the watcher included.
      const counted = ['publish/bytes/received', 'messages/received', 'bytes/received']
      const received = (values: Values) => counted.map((topic) => values.get(topic))
      expect(received(ours())).toEqual(received(theirs()))
      expect(ours().get('publish/bytes/received')).toBe('49')
      expect(ours().get('publish/messages/received')).toBe('9')
      // mosquitto does not count PUBLISH packets at QoS 2 or with RETAIN here, although it counts their bytes.
      expect(theirs().get('publish/messages/received')).toBe('7')
    })
  })

  test('the loads come from the same rates', async () => {
    await eventually(() => {
      for (const values of [ours(), theirs()]) {
        const loads = [1, 5, 15].map((minutes) => Number(values.get(`load/publish/received/${minutes}min`)))
        // At most 9 in the last minute; the longer the time, the less of it is there.
        expect(loads[0]).toBeGreaterThan(0)
        expect(loads[0]).toBeLessThanOrEqual(9)
        expect(loads[0]! / loads[1]!).toBeGreaterThan(3)
        expect(loads[1]! / loads[2]!).toBeGreaterThan(2)
      }
    })
  })
})

/** Clients of all sorts: two stay, one is away with messages that its full queue does not take. */
const useAllOf = async (path: string): Promise<void> => {
  const client = await connect(path, { clientId: 'client' })
  await client.mqtt.subscribeAsync(['a', 'b/#'], { qos: 1 })
  await client.mqtt.subscribeAsync('$share/group/c', { qos: 1 })
  const away = await connect(path, { clientId: 'away', clean: false })
  await away.mqtt.subscribeAsync('away', { qos: 1 })
  await away.end()
  for (const qos of [0, 1, 2] as const) await client.mqtt.publishAsync('a', `${qos}`.repeat(10), { qos })
  await client.take(3)
  for (let index = 0; index < 5; index += 1) await client.mqtt.publishAsync('away', 'xyz', { qos: 1 })
  await client.mqtt.publishAsync('kept', 'kept', { retain: true })
}
