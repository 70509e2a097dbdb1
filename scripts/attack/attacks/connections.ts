/** Connections that begin and never come to MQTT. */

import { once } from 'node:events'
import { Duplex } from 'node:stream'
import { connect } from 'node:tls'
import { upgradeRequest } from '../../../bench/generator/web-socket-stream.ts'
import { type Attack, type ListenerName, users } from '../attack.ts'
import { encodeConnectOf } from '../encode-connect.ts'
import { type Attacker, repeat } from './repeat.ts'

/** The first bytes of a TLS client, which any connection can send again. */
const clientHello = async (): Promise<Buffer> => {
  const socket: Duplex = new Duplex({ read: () => undefined, write: (chunk: Buffer) => socket.emit('hello', chunk) })
  const hello = once(socket, 'hello')
  const client = connect({ socket, rejectUnauthorized: false }).on('error', () => undefined)
  const [chunk] = await hello
  const bytes = Buffer.from(chunk)
  client.destroy()
  return bytes
}

/** What is sent at once, and then never continued. */
const beginnings = (hello: Buffer): readonly (readonly [ListenerName, Buffer])[] => [
  ['server', Buffer.alloc(0)],
  ['tls', hello.subarray(0, 100)],
  ['ws', Buffer.from('GET /mqtt HTTP/1.1\r\n')],
  ['wss', Buffer.alloc(0)],
  ['unix', Buffer.of(0x10)],
  ['proxied', Buffer.from('PROXY TCP4 ')],
]

export const halfOpen: Attack = {
  name: 'half-open',
  summary: 'N connections to all listeners send a first piece and then nothing',
  attackers: 5_000,
  shortAttackers: 600,
  prepare: async (scene) => {
    const pieces = beginnings(await clientHello())
    return repeat(async (attacker) => {
      const [listener, piece] = pieces[attacker.number % pieces.length]!
      const stream = await attacker.open(listener, 'tcp')
      if (piece.length > 0) stream.write(piece)
      await attacker.hold(stream)
    })(scene)
  },
}

export const slowConnect: Attack = {
  name: 'slow-connect',
  summary: 'N connections send CONNECT byte by byte, five bytes a second',
  attackers: 500,
  shortAttackers: 100,
  prepare: repeat(async (attacker) => {
    const stream = await attacker.open(attacker.number % 2 === 0 ? 'server' : 'tls')
    await dribble(attacker, stream, encodeConnectOf(`slow-${attacker.number}`, users.attacker), 200)
  }),
}

export const slowloris: Attack = {
  name: 'slowloris',
  summary: 'N connections to the WebSocket listeners send their HTTP request byte by byte, ten bytes a second',
  attackers: 500,
  shortAttackers: 100,
  prepare: repeat(async (attacker) => {
    const stream = await attacker.open('ws', 'tcp')
    await dribble(attacker, stream, Buffer.from(upgradeRequest()), 100)
  }),
}

/** Sends a byte in each interval, but never the last one. */
const dribble = (attacker: Attacker, stream: Duplex, bytes: Buffer, everyMs: number): Promise<void> => {
  let position = 0
  return attacker.hold(stream, everyMs, () => {
    if (position + 1 >= bytes.length) return
    stream.write(bytes.subarray(position, position + 1))
    position += 1
  })
}

export const tlsHandshakes: Attack = {
  name: 'tls-handshakes',
  summary: 'N attackers begin TLS handshakes as fast as they can, and break them off when the broker has done its part',
  attackers: 50,
  shortAttackers: 25,
  prepare: async (scene) => {
    const hello = await clientHello()
    return repeat(async (attacker, round) => {
      const stream = await attacker.open(attacker.number % 2 === 0 ? 'tls' : 'wss', 'tcp')
      stream.write(round % 4 === 3 ? hello.subarray(0, hello.length / 2) : hello)
      if (round % 4 !== 3) await Promise.race([once(stream, 'data'), once(stream, 'close')])
      stream.destroy()
    })(scene)
  },
}

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')

/** Headers of the PROXY protocol that are none. */
const headers: readonly Buffer[] = [
  Buffer.from(`PROXY TCP4 ${'1'.repeat(10_000)}`),
  Buffer.from('PROXY TCP4 192.0.2.7 192.0.2.1 99999 0\r\n'),
  Buffer.from('PROXY UNKNOWN\r\n\x10'),
  Buffer.concat([SIGNATURE, Buffer.of(0x21, 0x11, 0xff, 0xff), Buffer.alloc(60_000)]),
  Buffer.concat([SIGNATURE, Buffer.of(0x21, 0x11, 0x00, 0x20), Buffer.alloc(32, 0xff)]),
  Buffer.concat([SIGNATURE.subarray(0, 7)]),
  encodeConnectOf('no-proxy', users.attacker),
]

export const proxyGarbage: Attack = {
  name: 'proxy-garbage',
  summary: 'N attackers send headers of the PROXY protocol that are endless, cut, damaged or none',
  attackers: 50,
  shortAttackers: 25,
  prepare: repeat(async (attacker, round) => {
    const stream = await attacker.open('proxied', 'tcp')
    stream.end(headers[(attacker.number + round) % headers.length])
    await attacker.hold(stream)
  }),
}
