/** The memory that messages are read into and sent from is used again: none may arrive with the bytes of another. */

import mqtt, { type MqttClient } from 'mqtt'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type Broker, startBroker } from '../helpers/start-broker.ts'

let broker: Broker
const clients: MqttClient[] = []
beforeEach(async () => {
  broker = await startBroker()
})
afterEach(async () => {
  for (const client of clients.splice(0)) client.end(true)
  await broker.stop()
})

const PUBLISHERS = 4
const MESSAGES = 120
/** Some of them in runs, some of the size of a read and around it, some in many pieces. */
const SIZES = [10, 10, 10, 10, 3000, 3000, 16_000, 17_000, 65_500, 65_536, 70_000, 10, 900_000]

const connected = async (): Promise<MqttClient> => {
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${broker.port}`, { reconnectPeriod: 0 })
  clients.push(client)
  return client
}

/** Every byte of it says whose it is. */
const payloadOf = (topic: string, n: number): Buffer => {
  const size = SIZES[(n * 7 + topic.length) % SIZES.length]!
  return Buffer.alloc(Math.max(size, 16), `${topic}/${n};`)
}

/** Reads until the last message of each publisher, checking every byte. @returns how many there were of each topic. */
const readAll = (client: MqttClient): Promise<Map<string, number>> =>
  new Promise((resolve, reject) => {
    const counts = new Map<string, number>()
    let ended = 0
    client.on('message', (topic, payload) => {
      if (topic === 'end') {
        ended += 1
        if (ended === PUBLISHERS) resolve(counts)
        return
      }
      const [own, number] = payload.toString('utf8', 0, 16).split(';')[0]!.split('/') as [string, string]
      if (own !== topic || !payload.equals(payloadOf(topic, Number(number)))) {
        reject(new Error(`${payload.length} bytes on ${topic} that was not sent there: ${payload.subarray(0, 40)}`))
      }
      counts.set(topic, (counts.get(topic) ?? 0) + 1)
    })
  })

it('every payload arrives as it was sent, even if other clients read slowly or disconnect in the middle', async () => {
  const [reader, slow, leaver] = [await connected(), await connected(), await connected()]
  for (const client of [reader, slow, leaver]) await client.subscribeAsync({ '#': { qos: 1 } })
  const received = [readAll(reader), readAll(slow)]
  // Nothing more is taken from the socket while it looks at one.
  let seen = 0
  slow.handleMessage = (_packet, done) => {
    seen += 1
    if (seen % 10 === 0) setImmediate(() => setImmediate(done))
    else done()
  }
  leaver.on('message', () => {
    if (leaver.connected) leaver.stream.destroy()
  })
  const publish = async (publisher: number): Promise<void> => {
    const client = await connected()
    const topic = `p${publisher}`
    // At QoS 0 some in a row, which come together; at QoS 1 all have to arrive.
    for (let n = 0; n < MESSAGES; n++) {
      const payload = payloadOf(topic, n)
      if (n % 5 === 0) await client.publishAsync(topic, payload, { qos: 1 })
      else client.publish(topic, payload)
    }
    await client.publishAsync('end', '', { qos: 1 })
  }
  const [counts, slowCounts] = (
    await Promise.all([...received, ...Array.from({ length: PUBLISHERS }, (_, n) => publish(n))])
  ).filter((result) => result !== undefined) as Map<string, number>[]
  for (const each of [counts!, slowCounts!]) {
    expect(each.size).toBe(PUBLISHERS)
    for (const count of each.values()) expect(count).toBeGreaterThanOrEqual(MESSAGES / 5)
  }
})
