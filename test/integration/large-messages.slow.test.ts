import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { LocalBroker } from '../../components/broker/local-broker.ts'
import type { MqttHandler } from '../../components/mqtt-handler/mqtt-handler.ts'
import { Logger } from '../../src/kinds/logger.ts'
import { defineComponent } from '../../src/system/define-system.ts'
import { eventually } from '../helpers/eventually.ts'
import { packetBytes, variableByteInteger } from '../helpers/packet-bytes.ts'
import { RawClient } from '../helpers/raw-client.ts'
import { RecordingLogger } from '../helpers/recording-logger.ts'
import { type Broker, quietSystem, startBroker } from '../helpers/start-broker.ts'

/** A device list of a large installation, several times what a peer may leave pending. */
const PAYLOAD = Buffer.alloc(5 * 1000 ** 2, '{"device":"lamp"}')
/** Together more than operating systems hold for a peer that does not read. */
const TOPICS = ['list/1', 'list/2', 'list/3'] as const

let broker: Broker
let log: RecordingLogger
const clients: RawClient[] = []
beforeEach(async () => {
  log = new RecordingLogger()
  const logger = defineComponent({ provides: Logger, needs: {}, config: z.strictObject({}), start: () => log })
  broker = await startBroker({ ...quietSystem, logger: { component: logger } })
})
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy()
  await broker.stop()
})

const send = (client: RawClient, notation: string): void => void client.socket.write(packetBytes(notation))
const connected = async (version: Version): Promise<RawClient> => {
  const client = await RawClient.connect(broker.port)
  clients.push(client)
  send(client, version === 5 ? '10 @ "MQTT" 05 02 0000 [] ""' : '10 @ "MQTT" 04 02 0000 ""')
  expect((await client.packet())[0]).toBe(0x20)
  return client
}

type Version = 4 | 5
const properties = (version: Version): string => (version === 5 ? '[]' : '')
const handler = () => broker.map.mqttHandler as MqttHandler

/** PUBLISH of a large message, as it is sent to the broker and as it comes from there. */
const publish = (firstByte: number, topic: string, identifier: number, version: Version): Buffer => {
  const identifierField = (firstByte & 0b110) === 0 ? '' : identifier.toString(16).padStart(4, '0')
  const head = packetBytes(`"${topic}" ${identifierField} ${properties(version)}`)
  const length = variableByteInteger(head.length + PAYLOAD.length)
  return Buffer.concat([Buffer.from([firstByte]), length, head, PAYLOAD])
}

const retain = async (publisher: RawClient, version: Version): Promise<void> => {
  for (const [index, topic] of TOPICS.entries()) {
    publisher.socket.write(publish(0x33, topic, index + 1, version))
    expect((await publisher.packet()).subarray(0, 4).toString('hex')).toMatch(/^400[2-4]000/)
  }
}

/** The next packets, which must be the large messages, in any order. */
const expectMessages = async (client: RawClient, firstByte: number, version: Version): Promise<void> => {
  const missing = new Set(TOPICS)
  for (let identifier = 1; missing.size > 0; identifier += 1) {
    const packet = await client.packet()
    // Buffer.equals: `toEqual` looks at each byte for itself.
    const topic = TOPICS.find((name) => publish(firstByte, name, identifier, version).equals(packet))
    expect(missing.delete(topic!)).toBe(true)
  }
}

describe.each([
  [4, 4],
  [4, 5],
  [5, 4],
  [5, 5],
] as const)('large messages of a client of version %i', (from, to) => {
  it.each([0, 1])(`reach a subscriber of version ${to} at QoS %i, and all that follows them`, async (qos) => {
    const [publisher, subscriber] = await Promise.all([connected(from), connected(to)])
    send(subscriber, `82 @ 0001 ${properties(to)} "list/#" 0${qos} "state" 00`)
    expect((await subscriber.packet())[0]).toBe(0x90)
    for (const [index, topic] of TOPICS.entries()) {
      subscriber.socket.pause()
      publisher.socket.write(publish(0x32, topic, 1, from))
      expect((await publisher.packet()).subarray(0, 4).toString('hex')).toMatch(/^400[2-4]0001/)
      // One by one: together they would be a run.
      for (let count = 0; count < 20; count += 1) {
        send(publisher, `30 @ "state" ${properties(from)} 'on'`)
        send(publisher, 'c0 00')
        await publisher.packet()
      }
      subscriber.socket.resume()
      const large = await subscriber.packet()
      expect(large.equals(publish((qos << 1) | 0x30, topic, index + 1, to))).toBe(true)
      for (let count = 0; count < 20; count += 1) {
        expect((await subscriber.packet()).toString()).toContain('state')
      }
    }
    expect(handler().counters.droppedQoS0).toBe(0)
  })

  it.each([0, 1])(`reach a slow subscriber of version ${to} at QoS %i, retained`, async (qos) => {
    const [publisher, slow] = await Promise.all([connected(from), connected(to)])
    await retain(publisher, from)
    slow.socket.pause()
    send(slow, `82 @ 0001 ${properties(to)} "list/#" 0${qos}`)
    await eventually(() => expect((broker.map.broker as LocalBroker).core.gauges.subscriptionBytes).toBeGreaterThan(0))
    // Another one gets them meanwhile.
    const fast = await connected(to)
    send(fast, `82 @ 0001 ${properties(to)} "list/#" 0${qos}`)
    for (const client of [fast, slow]) {
      client.socket.resume()
      expect((await client.packet())[0]).toBe(0x90)
      await expectMessages(client, 0x31 | (qos << 1), to)
      send(client, 'c0 00')
      expect((await client.packet()).toString('hex')).toBe('d000')
    }
    expect(handler().counters.droppedQoS0).toBe(0)
  })
})

it.each([4, 5] as const)(
  'a packet of version %i over the maximum is named in the log, with the value that allows it',
  async (version) => {
    const client = await connected(version)
    send(client, '30 81808008')
    await client.closed
    expect(log.at('warn')).toEqual([
      expect.objectContaining({
        why: expect.stringContaining(
          'The packet has 16777222 bytes, more than mqttDecoder.maximumPacketSize (16777216) allows.',
        ),
      }),
    ])
  },
)
