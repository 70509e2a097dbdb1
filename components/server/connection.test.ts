import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { Connection } from '../../src/kinds/connection.ts'
import { DEFAULT_LISTENER_OPTIONS } from '../../src/kinds/listener-options.ts'
import type { ControlPacket, PacketReceiver, PipelineStage } from '../../src/kinds/pipeline-stage.ts'
import { FakeSocket } from '../../test/helpers/fake-socket.ts'
import { peerAt } from '../../test/helpers/peer-at.ts'
import { RecordingLogger } from '../../test/helpers/recording-logger.ts'
import { BufferPool } from './buffer-pool.ts'
import { StreamConnection } from './connection.ts'
import { newCounters } from './counters.ts'
import { EndOfTurn } from './end-of-turn.ts'
import { readPipeline } from './pipeline.ts'
import { SharedInput } from './shared-input.ts'
import { TotalPendingBytes } from './total-pending-bytes.ts'
import { TurnBudget } from './turn-budget.ts'
import { WriteBudget } from './write-budget.ts'
import { WriteScratch } from './write-scratch.ts'

const unused = () => expect.unreachable()

/** A connection whose handler is given as a function. Counts the events at its end. */
const open = (
  onPacket: (connection: Connection, next: PacketReceiver) => void = () => undefined,
  { maximumPendingBytes = 1000, closeDeadlineMs = 60_000 } = {},
) => {
  const socket = new FakeSocket()
  const log = new RecordingLogger()
  const told: string[] = []
  let gone = 0
  const tell = (stage: string) => () => void told.push(stage)
  const decode = ({ length }: Uint8Array, next: PacketReceiver): number => {
    next.packet({ cmd: 'pingreq' })
    return length
  }
  const stages: PipelineStage[] = [
    { role: 'decoder', open: (_, next) => ({ bytes: (chunk) => decode(chunk, next), closed: tell('decoder') }) },
    {
      role: 'handler',
      open: (connection, next) => ({
        packet: () => onPacket(connection, next),
        publish: unused,
        closed: tell('handler'),
      }),
    },
    {
      role: 'encoder',
      open: (_, next) => ({
        packet: ({ cmd }) => {
          if (cmd === 'auth') throw new Error('cannot be encoded')
          next.bytes(Buffer.from('packet'))
        },
        publish: unused,
        closed: tell('encoder'),
      }),
    },
  ]
  const endOfTurn = new EndOfTurn()
  const pool = new BufferPool()
  const writes = new WriteBudget(endOfTurn)
  const owner = {
    log,
    endOfTurn,
    budget: new TurnBudget(50_000, endOfTurn, log),
    writes,
    pool,
    totalPendingBytes: new TotalPendingBytes(1_000_000, log),
    input: new SharedInput(pool, endOfTurn),
    scratch: new WriteScratch(),
    freeBatches: [],
    counters: newCounters(),
    maximumPendingBytes,
    closeDeadlineMs,
    ended: () => undefined,
    failedAuthentication: () => undefined,
    isBanned: () => false,
    gone: () => gone++,
  }
  const connection = new StreamConnection(7, socket, peerAt('127.0.0.1:50001'), owner, {
    adoptable: false,
    options: DEFAULT_LISTENER_OPTIONS,
  })
  connection.start(readPipeline(stages, 'here'))
  return { connection, socket, log, told, pool, writes, gone: () => gone }
}

const bytes = (length: number) => Buffer.alloc(length, 'x')
const sizes = (writes: Buffer[][]) => writes.map((chunks) => chunks.map(({ length }) => length))

describe('writing', () => {
  it('sends what a turn gathered in one write, small buffers copied together and large ones as they are', async () => {
    const { connection, socket } = open(undefined, { maximumPendingBytes: 1_000_000 })
    const large = bytes(20_000)
    for (const chunk of [bytes(10), bytes(20), large, bytes(30), bytes(40)]) connection.write(chunk)
    expect(connection.pendingBytes).toBe(20_100)
    expect(socket.writes).toEqual([])
    await turn()
    expect(sizes(socket.writes)).toEqual([[30, 20_000, 70]])
    expect(socket.writes[0]?.[1]).toBe(large)
    expect(connection.pendingBytes).toBe(0)
    connection.write(bytes(5))
    await turn()
    expect(sizes(socket.writes).slice(1)).toEqual([[5]])
  })

  describe('when all connections have written enough in this turn', () => {
    const spent = () => {
      const opened = open(undefined, { maximumPendingBytes: 1_000_000 })
      opened.writes.takes(10_000_000)
      return opened
    }

    it('puts large writes off to the next turn, in their order and with what follows', async () => {
      const { connection, socket } = spent()
      const large = Buffer.alloc(300_000, 'a')
      connection.write(large)
      connection.write(Buffer.from('b'))
      expect(socket.writes).toEqual([])
      expect(connection.pendingBytes).toBe(300_001)
      await turn()
      await turn()
      const written = Buffer.concat(socket.writes.flat())
      expect(written.equals(Buffer.concat([large, Buffer.from('b')]))).toBe(true)
      expect(connection.pendingBytes).toBe(0)
    })

    it('writes small answers at once', async () => {
      const { connection, socket } = spent()
      connection.write(Buffer.from('pong'))
      await turn()
      expect(sizes(socket.writes)).toEqual([[4]])
    })

    it('writes everything when it closes', () => {
      const { connection, socket } = spent()
      connection.write(bytes(300_000))
      connection.close('done')
      expect(sizes(socket.writes)).toEqual([[300_000]])
    })

    it('asks the operating system before the peer is held to be slow', () => {
      const { connection, socket } = spent()
      for (let n = 0; n < 1_500; n++) connection.write(bytes(1_000))
      expect(socket.writes.length).toBeGreaterThan(0)
      expect(connection.congested).toBe(false)
    })

    it('drops what was put off when the connection is lost', async () => {
      const { connection, socket, pool } = spent()
      const memory = pool.take()
      connection.forward(memory, 0, memory.length)
      for (let n = 0; n < 5; n++) connection.write(bytes(60_000))
      connection.cutOff('gone')
      await turn()
      expect(socket.writes).toEqual([])
      expect(pool.owns(memory)).toBe(true)
      pool.give(memory)
      expect(pool.owns(memory)).toBe(false)
    })
  })

  it('bounds the bytes that a turn gathers', () => {
    const { connection, socket } = open(undefined, { maximumPendingBytes: 1_000_000 })
    for (let n = 0; n < 256; n++) connection.write(bytes(1024))
    expect(sizes(socket.writes)).toEqual([[65_536, 65_536, 65_536, 65_536]])
  })

  it('copies to the same memory again once the operating system has taken it, and not for a peer that is slow', async () => {
    const { connection, socket } = open(undefined, { maximumPendingBytes: 1_000_000 })
    const memory: ArrayBufferLike[] = []
    for (const holdsBack of [false, false, true, true]) {
      socket.holdsBack = holdsBack
      for (const part of ['x', 'y']) connection.write(Buffer.alloc(1000, part))
      await turn()
      memory.push(connection.pendingBytes <= 2000 ? socket.writes.at(-1)![0]!.buffer : new ArrayBuffer(0))
    }
    expect(memory.map((each) => each === memory[0])).toEqual([true, true, true, false])
    socket.takeAll()
    await turn()
    // What had to wait lies where nothing else is put.
    const last = socket.writes.at(-1)![0]!
    expect([last.length, last.buffer === memory[0]]).toEqual([2000, false])
    expect(`${last}`).toBe('x'.repeat(1000) + 'y'.repeat(1000))
  })

  it.each([
    ['is used again when the operating system has taken it', false],
    ['is never used again when the connection is lost before: it may still be read', true],
  ])('memory that a slow peer is sent from %s', async (_what, isLost) => {
    const { connection, socket, pool } = open(undefined, { maximumPendingBytes: 1_000_000 })
    socket.holdsBack = true
    for (const part of ['x', 'y']) connection.write(Buffer.alloc(2000, part))
    await turn()
    const { buffer } = socket.writes[0]![0]!
    expect(pool.owns(new Uint8Array(buffer))).toBe(true)
    if (isLost) socket.destroy()
    else socket.takeAll()
    await turn()
    await turn()
    const taken = Array.from({ length: 3 }, () => pool.take().buffer === buffer)
    expect(taken).toEqual([!isLost, false, false])
  })

  it('small writes go out from one piece of memory, which a slow peer keeps', async () => {
    const { connection, socket } = open()
    const write = async (text: string) => {
      connection.write(Buffer.from(text.slice(0, 2)))
      connection.write(Buffer.from(text.slice(2)))
      await turn()
      return socket.writes.at(-1)![0]!
    }
    const first = await write('first')
    expect(`${first}`).toBe('first')
    socket.holdsBack = true
    const second = await write('second')
    expect([second.buffer === first.buffer, `${second}`]).toEqual([true, 'second'])
    socket.takeAll()
    await turn()
    socket.holdsBack = false
    const third = await write('third')
    expect([third.buffer === second.buffer, `${second}`, `${third}`]).toEqual([false, 'second', 'third'])
  })

  it('offers what was gathered to the operating system before it is congested', () => {
    const { connection, socket } = open()
    for (let n = 0; n < 5; n++) connection.write(bytes(300))
    expect([connection.congested, connection.pendingBytes, sizes(socket.writes)]).toEqual([false, 300, [[600], [600]]])
  })

  it('is congested from the bound until half of it is left, and continues to read', async () => {
    const { connection, socket } = open()
    socket.holdsBack = true
    connection.write(bytes(1000))
    await turn()
    expect(connection.congested).toBe(false)
    connection.write(bytes(600))
    expect([connection.congested, connection.pendingBytes, socket.isPaused()]).toEqual([true, 1600, false])
    await turn()
    socket.takeAll()
    await turn()
    expect([connection.congested, connection.pendingBytes]).toEqual([true, 600])
    socket.takeAll()
    await turn()
    expect([connection.congested, connection.pendingBytes]).toEqual([false, 0])
  })

  it('is not congested by one large message, but by what follows it beyond the bound, and by a second one', async () => {
    const { connection, socket } = open()
    socket.holdsBack = true
    connection.write(bytes(300_000))
    connection.write(bytes(1000))
    expect(connection.congested).toBe(false)
    connection.write(bytes(300_000))
    expect([connection.congested, socket.isPaused()]).toEqual([true, true])
    await turn()
    while (connection.pendingBytes > 0) {
      socket.takeAll()
      await turn()
    }
    expect([connection.congested, socket.isPaused()]).toEqual([false, false])
    // The bound is what it was.
    connection.write(bytes(1001))
    expect(connection.congested).toBe(true)
  })

  it('reads nothing from a peer for whom twice the bound is pending, until it is congested no more', async () => {
    const { connection, socket } = open()
    socket.holdsBack = true
    connection.write(bytes(2000))
    expect(socket.isPaused()).toBe(false)
    connection.write(bytes(1))
    expect(socket.isPaused()).toBe(true)
    await turn()
    expect([connection.congested, socket.isPaused()]).toEqual([true, true])
    socket.takeAll()
    await turn()
    expect([connection.congested, connection.pendingBytes, socket.isPaused()]).toEqual([false, 1, false])
  })
})

describe('closing', () => {
  it('sends what was written, discards what is written later, and tells every stage once', async () => {
    const { connection, socket, told, gone } = open()
    connection.write(bytes(10))
    connection.close('test')
    expect([connection.open, told]).toEqual([false, []])
    connection.write(bytes(20))
    connection.close('again')
    await turn()
    expect(sizes(socket.writes)).toEqual([[10]])
    expect(socket.writableEnded).toBe(true)
    expect(told).toEqual(['decoder', 'handler', 'encoder'])
    expect(gone()).toBe(0)
    socket.push(null)
    await turn()
    await turn()
    expect([told.length, gone(), socket.destroyed]).toEqual([3, 1, true])
  })

  it('reads nothing more', async () => {
    let packets = 0
    const { connection, socket } = open(() => packets++)
    socket.push('a')
    await turn()
    connection.close('test')
    socket.push('b')
    await turn()
    expect(packets).toBe(1)
  })

  it('cuts off a peer that does not close its side within the deadline', async () => {
    const { connection, socket, gone } = open(undefined, { closeDeadlineMs: 1 })
    const closed = new Promise((resolve) => socket.once('close', resolve))
    connection.close('test')
    await closed
    expect([socket.destroyed, gone()]).toEqual([true, 1])
  })

  it('still answers a peer that is done sending', async () => {
    const { socket, told, log } = open((_, next) => next.packet({ cmd: 'pingresp' }))
    socket.push('request')
    socket.push(null)
    await turn()
    await turn()
    expect(Buffer.concat(socket.writes.flat()).toString()).toBe('packet')
    expect(told).toHaveLength(3)
    expect(log.at('debug')).toMatchObject([{ connection: 7, reason: 'client closed the network connection' }])
  })

  it('destroys a stream that reports an error and stays open', async () => {
    const { connection, socket, told, gone } = open()
    socket.emit('error', new Error('bad record'))
    expect([connection.open, connection.end, socket.destroyed]).toEqual([
      false,
      { by: 'network', reason: 'bad record' },
      true,
    ])
    await turn()
    await turn()
    expect([told.length, gone()]).toEqual([3, 1])
  })

  it('survives the loss of the network', async () => {
    const { connection, socket, told, gone, log } = open()
    connection.write(bytes(10))
    socket.destroy(new Error('read ECONNRESET'))
    await turn()
    await turn()
    expect([connection.open, told.length, gone()]).toEqual([false, 3, 1])
    expect(log.at('debug')).toMatchObject([{ reason: 'read ECONNRESET' }])
  })
})

describe('a stage that throws', () => {
  it('loses its connection', async () => {
    const { socket, connection, told, gone, log } = open(() => {
      throw new Error('stage failed')
    })
    socket.push('a')
    await turn()
    await turn()
    expect([connection.open, socket.destroyed, told.length, gone()]).toEqual([false, true, 3, 1])
    expect(log.at('error')).toMatchObject([{ connection: 7, err: new Error('stage failed') }])
  })

  it('in sending closes the receiving connection, not the connection whose packet caused it', async () => {
    const unencodable: ControlPacket = { cmd: 'auth', reasonCode: 0 }
    let sendToReceiver = () => {}
    const receiver = open((_, next) => {
      sendToReceiver = () => next.packet(unencodable)
    })
    const sender = open(() => sendToReceiver())
    receiver.socket.push('a')
    await turn()
    sender.socket.push('a')
    await turn()
    await turn()
    expect([receiver.connection.open, receiver.gone(), receiver.told.length]).toEqual([false, 1, 3])
    expect(receiver.log.at('error')).toHaveLength(1)
    expect([sender.connection.open, sender.log.lines]).toEqual([true, []])
  })
})
