/** Filters that change messages, written as someone would who reads the contract for the first time. */

import { afterEach, expect, it } from 'vitest'
import { z } from 'zod'
import { type FilterStage, type PacketReceiver, PipelineStage } from '../../src/kinds/pipeline-stage.ts'
import { Message } from '../../src/mqtt/message.ts'
import type { Publish } from '../../src/mqtt/publish.ts'
import { defineComponent } from '../../src/system/define-system.ts'
import { RealClient } from '../helpers/mqtt-js.ts'
import { type Broker, quietSystem, startBroker } from '../helpers/start-broker.ts'

/** A filter from what it does with a PUBLISH packet. */
const filterOf = (publish: (publish: Publish, next: PacketReceiver) => void) =>
  defineComponent({
    provides: PipelineStage,
    needs: {},
    config: z.strictObject({}),
    start: (): FilterStage => ({
      role: 'filter',
      open: (_connection, next) => ({
        packet: (packet) => next.packet(packet),
        publish: (packet) => publish(packet, next),
      }),
    }),
  })

const changed = ({ message }: Publish) => ({ topic: message.topic, payload: Buffer.from(`changed ${message.payload}`) })

/** As JavaScript has it, where no type says that `message` is read-only. */
const assigning = (parts: (publish: Publish) => object) =>
  filterOf((publish, next) => {
    Object.assign(publish, { message: Message.of({ ...changed(publish), ...parts(publish) }) })
    next.publish(publish)
  })
const documented = filterOf((publish, next) => {
  next.publish(publish.with({ payload: `changed ${publish.message.payload}` }))
})
const filters = {
  'assigns a message': assigning(({ qos, retain }) => ({ qos, retain })),
  'assigns a message and forgets its QoS': assigning(() => ({})),
  'passes on packet.with()': documented,
}

let broker: Broker
const start = async (filter: ReturnType<typeof filterOf>, pipeline: readonly string[]) => {
  const dependencies = { ...quietSystem.server.dependencies, pipeline }
  broker = await startBroker({
    ...quietSystem,
    filter: { component: filter },
    server: { ...quietSystem.server, dependencies },
  })
}
afterEach(() => broker.stop())

const behindTheDecoder = ['mqttDecoder', 'filter', 'mqttHandler', 'mqttEncoder']
const behindTheHandler = ['mqttDecoder', 'mqttHandler', 'filter', 'mqttEncoder']

const cases = Object.entries(filters).flatMap(([name, filter]) => [
  { name: `${name}, behind the decoder`, filter, pipeline: behindTheDecoder },
  { name: `${name}, behind the handler`, filter, pipeline: behindTheHandler },
])

it.each(cases)('a filter that $name loses no acknowledged message', async ({ filter, pipeline }) => {
  await start(filter, pipeline)
  const options = { clientId: 'away', clean: false } as const
  const away = await RealClient.connect(broker.port, 4, options)
  await away.mqtt.subscribeAsync('topic', { qos: 2 })
  await away.end()
  const publisher = await RealClient.connect(broker.port, 5)
  await publisher.mqtt.publishAsync('topic', 'one', { qos: 1 })
  await publisher.mqtt.publishAsync('topic', 'two', { qos: 1 })
  await publisher.mqtt.publishAsync('topic', 'three', { qos: 2, retain: true })
  const back = await RealClient.connect(broker.port, 4, options)
  const received = await back.take(3)
  expect(received.map(({ payload, qos }) => [payload, qos])).toEqual([
    ['changed one', 1],
    ['changed two', 1],
    ['changed three', 2],
  ])
  await back.mqtt.subscribeAsync('topic', { qos: 0 })
  expect(await back.next()).toMatchObject({ payload: 'changed three', retain: true })
  await back.end()
  await publisher.end()
})

it.each(cases)('a filter that $name changes each packet of a burst, for each of its subscribers', async (row) => {
  await start(row.filter, row.pipeline)
  const clients = await Promise.all(([4, 4, 5] as const).map((version) => RealClient.connect(broker.port, version)))
  for (const client of clients) await client.mqtt.subscribeAsync('topic')
  const [publisher] = clients
  const numbers = Array.from({ length: 200 }, (_, number) => `${number}`)
  publisher!.mqtt.stream.cork()
  for (const number of numbers) publisher!.mqtt.publish('topic', number)
  publisher!.mqtt.stream.uncork()
  for (const client of clients) {
    const received = await client.take(numbers.length)
    expect(received.map(({ payload }) => payload)).toEqual(numbers.map((number) => `changed ${number}`))
  }
  await Promise.all(clients.map((client) => client.end()))
})

it('a Topic Alias stands for the topic that a filter gave to the packet that introduced it', async () => {
  const prefixing = filterOf((publish, next) => {
    next.publish(publish.omitsTopic ? publish : publish.with({ topic: `site/${publish.message.topic}` }))
  })
  await start(prefixing, behindTheDecoder)
  const client = await RealClient.connect(broker.port, 5)
  await client.mqtt.subscribeAsync('site/#')
  client.mqtt.publish('a', 'introduced', { properties: { topicAlias: 1 } })
  client.mqtt.publish('', 'known', { properties: { topicAlias: 1 } })
  expect((await client.take(2)).map(({ topic, payload }) => [topic, payload])).toEqual([
    ['site/a', 'introduced'],
    ['site/a', 'known'],
  ])
  await client.end()
})

it('what the broker retains is the changed message', async () => {
  await start(
    filterOf((publish, next) => next.publish(publish.with({ topic: 'elsewhere', retain: true }))),
    behindTheDecoder,
  )
  const client = await RealClient.connect(broker.port, 5)
  await client.mqtt.publishAsync('topic', 'payload', { qos: 1 })
  await client.mqtt.subscribeAsync('#')
  expect(await client.next()).toMatchObject({ topic: 'elsewhere', payload: 'payload', retain: true })
  await client.end()
})
