/** Clients that come through the handshakes: with a wrong password, or with a right one and no good intent. */

import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { PacketType, pingreq } from '../../../bench/generator/packets.ts'
import { encodePublish, type FloodClient } from '../../floods/flood-client.ts'
import { type Attack, type User, users } from '../attack.ts'
import { encodeConnectOf } from '../encode-connect.ts'
import { repeat } from './repeat.ts'

/** Sends CONNECT. @returns whether the answer is CONNACK with Return Code 0. */
const isAccepted = async (stream: Duplex, connect: Buffer): Promise<boolean> => {
  stream.write(connect)
  const [answer] = await Promise.race([once(stream, 'data'), once(stream, 'close')])
  return Buffer.isBuffer(answer) && answer[0] === PacketType.CONNACK << 4 && answer[3] === 0
}

export const passwordGuessing: Attack = {
  name: 'password-guessing',
  summary: 'N attackers guess the password of a user, and of users that do not exist, as fast as they are answered',
  attackers: 100,
  shortAttackers: 50,
  prepare: repeat(async (attacker, round) => {
    const stream = await attacker.open(round % 4 === 0 ? 'tls' : 'server')
    const name = round % 2 === 0 ? users.good.name : `user-${round}`
    const guess: User = { name, password: randomBytes(8).toString('hex') }
    const isGuessed = await isAccepted(stream, encodeConnectOf(`guess-${attacker.number}`, guess))
    attacker.count(isGuessed ? 'passwords guessed' : 'guesses refused')
    stream.destroy()
  }),
}

export const connectStorm: Attack = {
  name: 'connect-storm',
  summary: 'N clients take over one Client Identifier from each other, as fast as they can',
  attackers: 100,
  shortAttackers: 50,
  prepare: repeat(async (attacker) => {
    const stream = await attacker.open('server')
    const isIn = await isAccepted(stream, encodeConnectOf('storm', users.attacker))
    attacker.count(isIn ? 'takeovers' : 'not answered')
    stream.destroy()
  }),
}

const TOPICS = 20_000
const TOPICS_TOGETHER = 100
const RETAINED_BYTES = 1_000

export const retainedFlood: Attack = {
  name: 'retained-flood',
  summary: `N clients retain messages of ${RETAINED_BYTES} bytes on new topics until the bound is reached, and delete them in the end`,
  attackers: 5,
  shortAttackers: 5,
  prepare: async (scene) => {
    const clients = await scene.clients()
    const payload = Buffer.alloc(RETAINED_BYTES, 'x')
    const packets = (client: number, from: number, content: Buffer): Buffer =>
      Buffer.concat(
        Array.from({ length: TOPICS_TOGETHER }, (_, index) =>
          encodePublish(`flood/${client}/${(from + index) % TOPICS}`, { retain: true, payload: content }),
        ),
      )
    return async () => {
      let sent = 0
      await Promise.all(
        clients.map(async (client, number) => {
          let from = 0
          while (!scene.isOver() && !client.closed) {
            await flush(client, packets(number, from, payload))
            from += TOPICS_TOGETHER
            sent += TOPICS_TOGETHER
          }
          for (let topic = 0; topic < Math.min(from, TOPICS) && !client.closed; topic += TOPICS_TOGETHER) {
            await flush(client, packets(number, topic, Buffer.alloc(0)))
          }
        }),
      )
      return { 'messages sent': sent, 'connections closed': clients.filter(({ closed }) => closed).length }
    }
  },
}

/** Sends packets and waits until the broker has handled them. */
const flush = async (client: FloodClient, packets: Buffer): Promise<void> => {
  client.send(Buffer.concat([packets, pingreq]))
  await client.until(PacketType.PINGRESP, client.received[PacketType.PINGRESP]! + 1)
}
