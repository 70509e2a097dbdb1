import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { eventually } from '../../test/helpers/eventually.ts'
import { type PacketConnection, PacketServer } from '../../test/helpers/packet-server.ts'
import { BrokerConnection, type ConnectionOptions } from './broker-connection.ts'
import { ClientError } from './client-error.ts'
import { encodeConnect, encodeDisconnect, encodePublishHeader } from './client-packet.ts'
import type { StreamedPayload } from './payload.ts'

const CONNACK = '20 03 00 00 00'

const PUBLISH = '30 05 00 01 61 00 78'

let server: PacketServer
/** Packets that were passed on. */
let taken: number
let connection: BrokerConnection
beforeEach(async () => {
  server = await PacketServer.start()
})
afterEach(async () => {
  vi.useRealTimers()
  connection.destroy(new ClientError('ENDED', 'The test has ended.'))
  await server.stop()
})

const open = async (connack = CONNACK, more: Partial<ConnectionOptions> = {}): Promise<PacketConnection> => {
  const options: ConnectionOptions = {
    target: { transport: 'tcp', host: '127.0.0.1', port: server.port },
    protocolVersion: 5,
    ...{ keepAliveSeconds: 0, connectTimeoutMs: 30_000 },
    ...more,
  }
  const opened = BrokerConnection.open(options, encodeConnect({ ...options, clientId: 'c', cleanStart: true }))
  const broker = await server.connection()
  broker.send(connack)
  connection = await opened
  taken = 0
  connection.receive(() => {
    taken += 1
    return undefined
  })
  return broker
}

describe('Keep Alive', () => {
  const useFakeTime = (): void => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] })

  test.each([
    ['of the client', CONNACK, { keepAliveSeconds: 60 }],
    ['of the broker, which comes first [MQTT-3.1.2-21]', '20 06 00 00 03 13 00 3c', { keepAliveSeconds: 6_000 }],
  ])(
    '%s: PINGREQ when nothing was sent for half of it; without an answer the connection ends',
    async (_of, connack, more) => {
      useFakeTime()
      const broker = await open(connack, more)
      vi.advanceTimersByTime(15_000)
      expect(broker.packets.length).toBe(1)
      vi.advanceTimersByTime(15_000)
      expect((await broker.received(2))[1]).toBe('c000')
      vi.advanceTimersByTime(45_000)
      expect(connection.open).toBe(true)
      vi.advanceTimersByTime(15_000)
      expect(await connection.closed).toMatchObject({
        code: 'LOST',
        message: 'The broker did not answer PINGREQ within the Keep Alive time.',
      })
    },
  )

  test('a broker that answers keeps the connection', async () => {
    useFakeTime()
    const broker = await open(CONNACK, { keepAliveSeconds: 60 })
    for (let pings = 1; pings <= 4; pings += 1) {
      vi.advanceTimersByTime(30_000)
      await broker.received(1 + pings)
      broker.send('d0 00', PUBLISH)
      await eventually(() => expect(taken).toBe(pings))
    }
    expect(connection.open).toBe(true)
  })

  test('of 0: no PINGREQ', async () => {
    useFakeTime()
    const broker = await open()
    vi.advanceTimersByTime(10_000_000)
    void connection.send(Buffer.from('82020001', 'hex'))
    expect((await broker.received(2)).slice(1)).toEqual(['82020001'])
  })
})

describe('a payload that is streamed', () => {
  const payloadOf = (length: number, chunks: () => AsyncIterable<Buffer>): StreamedPayload => ({ length, open: chunks })
  const headerOf = (payloadLength: number): Buffer =>
    encodePublishHeader({ topic: 'a', payloadLength, qos: 0, retain: false }, 0, false, 5)

  test.each([
    ['grew', 5, ['abc', 'def'], 'it grew while it was sent'],
    ['became shorter', 5, ['abc'], 'it became shorter while it was sent'],
  ])(
    'and that %s meanwhile: the connection is cut off, since the packet is not complete',
    async (_what, length, parts, text) => {
      const broker = await open()
      const payload = payloadOf(length, async function* () {
        yield* parts.map((part) => Buffer.from(part))
      })
      await expect(connection.sendPublish(headerOf(length), payload)).rejects.toMatchObject({
        code: 'PAYLOAD',
        message: `The payload cannot be read: ${text}`,
      })
      expect(await connection.closed).toMatchObject({ code: 'PAYLOAD' })
      expect(broker.packets.length).toBe(1)
    },
  )

  test('is sent as fast as the broker reads; other packets follow it, and a second one too', async () => {
    const broker = await open()
    broker.socket.pause()
    const length = 8_000_000
    const chunk = Buffer.alloc(length / 8, 'x')
    let read = 0
    const large = payloadOf(length, async function* () {
      for (; read < 8; read += 1) yield chunk
    })
    const sizes: number[] = []
    const first = connection.sendPublish(headerOf(length), large, (bytes) => sizes.push(bytes))
    const small = payloadOf(1, async function* () {
      yield Buffer.from('y')
    })
    const second = connection.sendPublish(headerOf(1), small)
    void connection.send(Buffer.from('c000', 'hex'))
    await eventually(() => expect(read).toBeGreaterThan(0))
    // The sockets hold less than the payload.
    expect(read).toBeLessThan(8)
    broker.socket.resume()
    await Promise.all([first, second])
    await broker.received(4)
    expect(broker.packets.slice(1).map((packet) => packet.slice(0, 2))).toEqual(['30', 'c0', '30'])
    expect(sizes.at(-1)).toBe(length)
  })

  test('is not read on when the connection ends, and is not begun after its end', async () => {
    await open()
    let read = 0
    const payload = payloadOf(10, async function* () {
      for (; read < 10; read += 1) {
        if (read === 3) connection.destroy(new ClientError('LOST', 'The connection was lost.'))
        yield Buffer.from('x')
      }
    })
    await connection.sendPublish(headerOf(10), payload)
    expect(read).toBe(3)
    await connection.sendPublish(headerOf(10), payload)
    expect(read).toBe(3)
    expect(connection.send(Buffer.from('c000', 'hex'))).toBeUndefined()
  })
})

describe('the end', () => {
  test('a broker that resets the connection', async () => {
    const broker = await open()
    broker.socket.resetAndDestroy()
    expect(await connection.closed).toMatchObject({ code: 'LOST', message: 'The connection was lost: it was reset.' })
  })

  test('a broker that does not close after DISCONNECT is left after a short time, when all was sent', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    server.staysOpen = true
    const broker = await open()
    const closed = connection.close(encodeDisconnect(5))
    expect((await broker.received(2))[1]).toBe('e000')
    vi.advanceTimersByTime(2_000)
    expect(await closed).toBe(true)
  })

  test('a broker that does not read any more: what could not be sent is said', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    const broker = await open()
    broker.socket.pause()
    void connection.send(Buffer.alloc(16_000_000))
    const closed = connection.close(encodeDisconnect(5))
    const timer = setImmediateLoop(() => vi.advanceTimersByTime(2_000))
    expect(await closed).toBe(false)
    timer.stop()
  })
})

/** Calls it in each turn of the event loop. */
const setImmediateLoop = (action: () => void): { stop(): void } => {
  let isOver = false
  const next = (): void => {
    if (isOver) return
    action()
    setImmediate(next)
  }
  setImmediate(next)
  return {
    stop: () => {
      isOver = true
    },
  }
}
