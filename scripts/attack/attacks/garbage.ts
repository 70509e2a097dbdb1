/** Bytes that are no MQTT, on every listener, and frames that carry next to nothing. */

import { randomBytes, randomInt } from 'node:crypto'
import { once } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import { frameHead, upgradeRequest } from '../../../bench/generator/web-socket-stream.ts'
import { type Attack, listenerNames, users } from '../attack.ts'
import { encodeConnectOf } from '../encode-connect.ts'
import { repeat } from './repeat.ts'

/** Makes some of the bytes begin like what the listener expects. */
const prefixes: readonly Buffer[] = [
  Buffer.alloc(0),
  Buffer.of(0x10, 0x20, 0, 4, 0x4d, 0x51, 0x54, 0x54, 5),
  Buffer.of(0x16, 3, 1, 2, 0),
  Buffer.from(upgradeRequest()),
  Buffer.from('PROXY '),
  encodeConnectOf('random', users.attacker),
]

export const randomBytesOnListeners: Attack = {
  name: 'random-bytes',
  summary: 'N attackers send random bytes to every listener, before and after the handshakes',
  attackers: 40,
  shortAttackers: 20,
  prepare: repeat(async (attacker, round) => {
    const listener = listenerNames[(attacker.number + round) % listenerNames.length]!
    const stream = await attacker.open(listener, round % 2 === 0 ? 'tcp' : undefined)
    stream.end(Buffer.concat([prefixes[round % prefixes.length]!, randomBytes(randomInt(1, 400))]))
    await attacker.hold(stream)
  }),
}

const BLOCK_BYTES = 65_536
const CONTINUATION = 0x00
const FIN = 0x80
const PING = 0x89

/** Empty fragments, fragments of one byte, and a ping between them. The bytes of the fragments are PINGREQ. */
const piece = Buffer.concat([
  ...[frameHead(1, 0x02), Buffer.of(0xc0)],
  frameHead(0, CONTINUATION),
  frameHead(0, CONTINUATION),
  frameHead(0, PING),
  ...[frameHead(1, FIN | CONTINUATION), Buffer.of(0)],
])
const fragments = Buffer.alloc(Math.ceil(BLOCK_BYTES / piece.length) * piece.length, piece)

export const webSocketFragments: Attack = {
  name: 'web-socket-fragments',
  summary: 'N WebSocket clients send PINGREQ in fragments of one byte, empty fragments and pings, as fast as they can',
  attackers: 20,
  shortAttackers: 10,
  prepare: repeat(async (attacker) => {
    const stream = await attacker.open('ws', 'tcp')
    stream.write(upgradeRequest())
    await once(stream, 'data')
    const connect = encodeConnectOf(`fragments-${attacker.number}`, users.attacker)
    stream.write(Buffer.concat([frameHead(connect.length), connect]))
    while (!attacker.isOver() && stream.writable) {
      attacker.count('MiB sent', fragments.length / 1024 ** 2)
      const isFull = !stream.write(fragments)
      await (isFull ? Promise.race([once(stream, 'drain'), once(stream, 'close')]) : setImmediate())
    }
    stream.destroy()
  }),
}
