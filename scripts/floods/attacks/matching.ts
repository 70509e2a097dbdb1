/** Few packets, each of which makes the broker examine many subscriptions, members or retained messages. */

import { setTimeout as sleep } from 'node:timers/promises'
import { PacketType, pingreq } from '../../../bench/generator/packets.ts'
import type { Attack, Scene } from '../attack.ts'
import { encodePublish, encodeSubscribe, FloodClient } from '../flood-client.ts'

const LEVELS = 60

export const wildcardLevels: Attack = {
  name: 'wildcard-levels',
  summary: `N clients, each 10,000 filters of a or + in ${LEVELS} levels; one client sends 40 PUBLISH of 5 KB together`,
  attackers: 5,
  prepare: async (scene) => {
    for (const client of await scene.clients()) {
      await client.subscribe(Array.from({ length: scene.scaled(10_000) }, randomFilter))
    }
    const publisher = await FloodClient.connect(scene.port)
    // A new topic of the same length each time, so that its route is not cached.
    const packets = Array.from({ length: 40 }, (_, index) =>
      encodePublish(`${'a/'.repeat(LEVELS - 1)}${String.fromCodePoint(0x41 + index)}`),
    )
    return async () => {
      publisher.send(Buffer.concat(packets))
      await answered(publisher)
      return { 'messages sent': packets.length }
    }
  },
}

const randomFilter = (): string => Array.from({ length: LEVELS }, () => (Math.random() < 0.5 ? 'a' : '+')).join('/')

/** Resolves when the broker has handled all that the client sent. */
const answered = async (client: FloodClient): Promise<void> => {
  client.send(pingreq)
  await client.until(PacketType.PINGRESP, client.received[PacketType.PINGRESP]! + 1)
}

/** Makes sessions with one subscription whose clients are away. @returns how many the broker took. */
const awaySessions = async (scene: Scene, count: number, filter: string): Promise<number> => {
  const taken = await scene.each(count, async () => {
    const client = await FloodClient.connect(scene.port, { clean: false }).catch(() => undefined)
    await client?.subscribe([filter], 1)
    await client?.leave()
    return client !== undefined
  })
  return taken.filter((each) => each).length
}

export const sharedAway: Attack = {
  name: 'shared-away',
  summary: 'a Shared Subscription with 10,000 members, all away; N clients send 13,000 five-byte PUBLISH together',
  attackers: 1,
  prepare: async (scene) => {
    const members = await awaySessions(scene, scene.scaled(10_000), '$share/group/a')
    const clients = await scene.clients()
    const block = Buffer.concat(Array.from({ length: 13_000 }, () => encodePublish('a')))
    return async () => {
      await Promise.all(clients.map((client) => client.send(block) && answered(client)))
      await Promise.all(clients.map(answered))
      return { members, 'messages sent': 13_000 * clients.length }
    }
  },
}

export const awayQueues: Attack = {
  name: 'away-queues',
  summary: 'N clients each send one message at QoS 1 to 100,000 sessions that are away',
  attackers: 1,
  settings: ['broker.maximumSessions=200000'],
  prepare: async (scene) => {
    const sessions = await awaySessions(scene, scene.scaled(100_000), 'a')
    const clients = await scene.clients()
    return async () => {
      for (const client of clients) client.send(encodePublish('a', { qos: 1, id: 1, payload: Buffer.from('payload') }))
      await Promise.all(clients.map((client) => client.until(PacketType.PUBACK)))
      return { sessions, 'messages acknowledged': clients.length }
    }
  },
}

/** Retains a message on each of a number of topics. */
const retain = async (scene: Scene, count: number, topicOf: (index: number) => string): Promise<void> => {
  const publisher = await FloodClient.connect(scene.port)
  const payload = Buffer.alloc(50, 'x')
  for (let start = 0; start < count; start += 5_000) {
    const topics = Array.from({ length: Math.min(5_000, count - start) }, (_, index) => topicOf(start + index))
    publisher.send(Buffer.concat(topics.map((topic) => encodePublish(topic, { retain: true, payload }))))
    await answered(publisher)
  }
  await publisher.leave()
}

const RETAINED_SETTINGS = ['broker.maximumRetainedMessages=2000000']

export const retainedSearch: Attack = {
  name: 'retained-search',
  summary: 'N clients send SUBSCRIBE to a/+/zz, which matches none of 1,000,000 retained messages',
  attackers: 20,
  settings: RETAINED_SETTINGS,
  prepare: async (scene) => {
    await retain(scene, scene.scaled(1_000_000), (index) => `a/${index}/b`)
    const clients = await scene.clients()
    return async () => {
      for (const client of clients) client.send(encodeSubscribe(['a/+/zz']))
      await Promise.all(clients.map((client) => client.until(PacketType.SUBACK)))
      await Promise.all(clients.map(answered))
      return { 'subscriptions answered': clients.length }
    }
  },
}

export const retainedReplay: Attack = {
  name: 'retained-replay',
  summary: 'N clients repeatedly subscribe to #, with 100,000 retained messages',
  attackers: 5,
  settings: RETAINED_SETTINGS,
  prepare: async (scene) => {
    const count = scene.scaled(100_000)
    await retain(scene, count, (index) => `a/${index % 100}/${index}`)
    const clients = await scene.clients()
    return async () => {
      await Promise.all(
        clients.map(async (client) => {
          for (let round = 1; !scene.isOver(); round += 1) {
            client.send(encodeSubscribe(['#']))
            while (client.received[PacketType.PUBLISH]! < round * count && !scene.isOver()) {
              await sleep(20)
            }
          }
        }),
      )
      const replayed = clients.reduce((sum, { received }) => sum + received[PacketType.PUBLISH]!, 0)
      return { 'messages replayed': replayed }
    }
  },
}
