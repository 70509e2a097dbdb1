/** Many sessions or connections that end together. */

import { setTimeout as sleep } from 'node:timers/promises'
import { PacketType, pingreq } from '../../../bench/generator/packets.ts'
import type { Attack, Scene } from '../attack.ts'
import { encodePublish, encodeSubscribe, FloodClient } from '../flood-client.ts'

export const wills: Attack = {
  name: 'wills',
  summary: 'N connections with Wills are lost at once, with 200 subscribers to #',
  attackers: 5_000,
  prepare: async (scene) => {
    const subscribers = await scene.each(scene.scaled(200), async () => {
      const client = await FloodClient.connect(scene.port)
      await client.subscribe(['#'])
      return client
    })
    const lost = await scene.each(scene.attackers, (index) =>
      FloodClient.connect(scene.port, { willTopic: `will/${index}` }),
    )
    return async () => {
      for (const client of lost) client.socket.resetAndDestroy()
      while (!scene.isOver()) await sleep(20)
      const delivered = subscribers.reduce((sum, { received }) => sum + received[PacketType.PUBLISH]!, 0)
      return { 'connections lost': lost.length, 'messages delivered': delivered }
    }
  },
}

export const closeSubscriptions: Attack = {
  name: 'close-subscriptions',
  summary: 'N clients with 1,000 subscriptions each close at once',
  attackers: 1_000,
  prepare: async (scene) => {
    const clients = await scene.each(scene.attackers, async (index) => {
      const client = await FloodClient.connect(scene.port)
      await client.subscribe(Array.from({ length: scene.scaled(1_000) }, (_, filter) => `c/${index}/${filter}`))
      return client
    })
    return async () => {
      for (const client of clients) client.destroy()
      await sleep(1_000)
      return { 'connections closed': clients.length }
    }
  },
}

export const unreleased: Attack = {
  name: 'unreleased-qos2',
  summary: 'N sessions each use 65,535 Packet Identifiers at QoS 2, release none, and go',
  attackers: 10,
  prepare: async (scene) => {
    const count = Math.min(65_535, scene.scaled(65_535))
    const packets = Buffer.concat(
      Array.from({ length: count }, (_, index) => encodePublish('a', { qos: 2, id: index + 1 })),
    )
    return async () => {
      let acknowledged = 0
      let closed = 0
      for (let session = 0; session < scene.attackers && !scene.isOver(); session += 1) {
        const client = await FloodClient.connect(scene.port, { clean: false })
        client.send(packets)
        await client.until(PacketType.PUBREC, count).catch(() => {
          closed += 1
        })
        acknowledged += client.received[PacketType.PUBREC]!
        client.destroy()
      }
      return { 'identifiers held': acknowledged, 'connections closed': closed }
    }
  },
}

const MAXIMUM_SESSIONS = 1_000

export const sessionsFull: Attack = {
  name: 'sessions-full',
  summary: `N clients connect with Clean Session 0 and go, with maximumSessions at ${MAXIMUM_SESSIONS}; then a new one connects`,
  attackers: MAXIMUM_SESSIONS,
  settings: [`broker.maximumSessions=${MAXIMUM_SESSIONS}`],
  prepare: async (scene) => async () => {
    // The well-behaved client has a session, too: the last attackers may be refused.
    const attempts = await scene.each(scene.attackers, () => isAccepted(scene))
    const accepted = await isAccepted(scene)
    return { sessions: attempts.filter((each) => each).length, 'new clients refused': accepted ? 0 : 1 }
  },
}

const isAccepted = async (scene: Scene): Promise<boolean> => {
  const client = await FloodClient.connect(scene.port, { clean: false }).catch(() => undefined)
  await client?.leave()
  return client !== undefined
}

/** How often a frozen subscriber checks whether it was cut off, in milliseconds. */
const FROZEN_CHECK_MS = 250

export const frozenSubscribers: Attack = {
  name: 'frozen-subscribers',
  summary: 'N subscribers of messages of 900 KB read nothing, and come back when they are cut off',
  attackers: 300,
  seconds: 20,
  prepare: async (scene) => {
    const frozen: (FloodClient | undefined)[] = await scene.each(scene.attackers, () => freeze(scene))
    const publisher = await FloodClient.connect(scene.port)
    const message = encodePublish('frozen', { payload: Buffer.alloc(900_000) })
    let returns = 0
    const comeBack = async (index: number): Promise<void> => {
      frozen[index] = undefined
      returns += 1
      frozen[index] = await freeze(scene).catch(() => undefined)
    }
    return async () => {
      const timer = setInterval(() => {
        for (const [index, client] of frozen.entries()) {
          // A client that does not read notices that it was cut off when it writes.
          if (client?.closed === false) client.send(pingreq)
          else if (client !== undefined) void comeBack(index)
        }
      }, FROZEN_CHECK_MS)
      const sent = await publisher.flood(message, scene.isOver)
      clearInterval(timer)
      for (const client of frozen) client?.destroy()
      return { 'messages sent': sent, 'subscribers came back': returns }
    }
  },
}

const freeze = async (scene: Scene): Promise<FloodClient> => {
  const client = await FloodClient.connect(scene.port)
  client.send(encodeSubscribe(['frozen']))
  await client.until(PacketType.SUBACK)
  client.socket.pause()
  return client
}
