/** What a client sends right before it closes its connection over bytes that it has not read, which resets the connection. */

import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { packetBytes } from '../helpers/packet-bytes.ts'
import { RawClient } from '../helpers/raw-client.ts'
import { type Broker, quietSystem, startBroker } from '../helpers/start-broker.ts'

const DISCONNECT = 'e0 00'

let broker: Broker
beforeEach(async () => {
  broker = await startBroker({
    ...quietSystem,
    mqttHandler: { ...quietSystem.mqttHandler, config: { receiveMaximum: 65_535 } },
  })
})
afterEach(() => broker.stop())

const connected = async (clientId: string, will = '', ...packets: string[]) => {
  const client = await RawClient.connect(broker.port)
  client.socket.write(packetBytes(`10 @ "MQTT" 04 ${will === '' ? '02' : '06'} 0000 "${clientId}" ${will}`))
  expect(await client.frame()).toBe('20020000')
  for (const packet of packets) client.socket.write(packetBytes(packet))
  return client
}

const subscribed = async (clientId: string, filter: string, will = '') => {
  const client = await connected(clientId, will, `82 @ 0001 "${filter}" 00`)
  expect(await client.frame()).toBe('9003000100')
  return client
}

/** The topics that came up to the answer to a PINGREQ. */
const topicsOf = async (watcher: RawClient): Promise<string[]> => {
  watcher.send('c000')
  const topics: string[] = []
  for (;;) {
    const packet = await watcher.packet()
    if (packet[0] === 0xd0) return topics.sort()
    const length = packet.readUInt16BE(2)
    topics.push(packet.toString('utf8', 4, 4 + length))
  }
}

/**
 * The broker writes to the subscriber between the reset and its next read: the message for the subscriber is read in this
 * turn of the event loop, the subscriber goes when the turn ends, and the broker writes after that.
 */
const goDuringWrite = async (
  publisher: RawClient,
  subscriber: RawClient,
  topic: string,
  last: Buffer,
): Promise<void> => {
  await turn()
  publisher.socket.write(packetBytes(`30 @ "${topic}" 'x'`))
  setImmediate(() => {
    subscriber.socket.write(last)
    subscriber.socket.resetAndDestroy()
  })
  await subscriber.closed
}

/** Plays rounds, each with a client of its own. @returns the topics of all that was published because of them. */
const play = async (rounds: number, lastPackets: (n: number) => string[]): Promise<string[]> => {
  const watcher = await subscribed('watcher', 'watched/#')
  const publisher = await connected('publisher')
  for (let n = 0; n < rounds; n++) {
    const leaver = await subscribed(`leaver ${n}`, `busy/${n}`, `"watched/will/${n}" <00>`)
    await goDuringWrite(publisher, leaver, `busy/${n}`, Buffer.concat(lastPackets(n).map(packetBytes)))
  }
  await expect.poll(() => broker.map.server.connections).toBe(2)
  return topicsOf(watcher)
}

const topics = (rounds: number, name: string) => Array.from({ length: rounds }, (_, n) => `watched/${name}/${n}`).sort()

describe('a client that resets the connection while the broker writes to it', () => {
  it.each([0, 1])(
    'has its last message published at QoS %i, and its DISCONNECT obeyed [MQTT-3.14.4-3]',
    async (qos) => {
      const publish = (n: number) => `${qos === 0 ? '30' : '32'} @ "watched/last/${n}" ${qos === 0 ? '' : '0001'} 'x'`
      expect(await play(100, (n) => [publish(n), DISCONNECT])).toEqual(topics(100, 'last'))
    },
  )

  it('has its Will published if it sent no DISCONNECT, after its last message', async () => {
    const published = await play(20, (n) => [`30 @ "watched/last/${n}" 'x'`])
    expect(published).toEqual([...topics(20, 'last'), ...topics(20, 'will')].sort())
  })

  it('has all read that it had sent, however much', async () => {
    // More than one read of the socket, and more work than a small share of a turn.
    const many = (n: number) => Array.from({ length: 1_000 }, (_, m) => `30 @ "other/${n}/${m}" 'x'`)
    expect(await play(10, (n) => [...many(n), `30 @ "watched/last/${n}" 'x'`, DISCONNECT])).toEqual(topics(10, 'last'))
  })
})
