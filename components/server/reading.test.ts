/** When a connection reads on and when it does not: paused by a stage, held up by a peer that takes no answers, at the end. */

import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { Connection } from '../../src/kinds/connection.ts'
import { DEFAULT_LISTENER_OPTIONS } from '../../src/kinds/listener-options.ts'
import type { PipelineStage } from '../../src/kinds/pipeline-stage.ts'
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

/**
 * A connection on which every byte is a packet: `p` pauses it, a digit is answered with as many hundred bytes, and the
 * handler calls `onPacket`. Everything in its order goes into `seen`.
 */
const open = (
  onPacket: (letter: string, connection: Connection) => void = () => undefined,
  totalPendingBytes = new TotalPendingBytes(1_000_000, new RecordingLogger()),
) => {
  const socket = new FakeSocket()
  const log = new RecordingLogger()
  const seen: string[] = []
  let atWork = false
  const told = (stage: string) => ({
    drained: () => void seen.push(`${stage} drained`),
    closed: () => void seen.push(`${stage} closed`),
  })
  const unused = () => expect.unreachable()
  const stages: PipelineStage[] = [
    {
      role: 'decoder',
      open: (connection) => ({
        ...told('decoder'),
        bytes(chunk) {
          expect(atWork).toBe(false)
          atWork = true
          let taken = 0
          while (taken < chunk.length && !connection.paused && connection.open) {
            const letter = String.fromCharCode(chunk[taken++]!)
            seen.push(letter)
            if (letter === 'p') connection.pause()
            if (letter >= '0' && letter <= '9') connection.write(Buffer.alloc(100 * Number(letter), letter))
            onPacket(letter, connection)
          }
          atWork = false
          return connection.open ? taken : chunk.length
        },
      }),
    },
    { role: 'handler', open: () => ({ ...told('handler'), packet: unused, publish: unused }) },
    { role: 'encoder', open: () => ({ ...told('encoder'), packet: unused, publish: unused }) },
  ]
  const endOfTurn = new EndOfTurn()
  const pool = new BufferPool()
  const owner = {
    log,
    endOfTurn,
    budget: new TurnBudget(50_000, endOfTurn, log),
    writes: new WriteBudget(endOfTurn),
    pool,
    totalPendingBytes,
    input: new SharedInput(pool, endOfTurn),
    scratch: new WriteScratch(),
    freeBatches: [],
    counters: newCounters(),
    maximumPendingBytes: 1000,
    closeDeadlineMs: 60_000,
    ended: () => undefined,
    failedAuthentication: () => undefined,
    isBanned: () => false,
    gone: () => undefined,
  }
  const connection = new StreamConnection(7, socket, peerAt('127.0.0.1:50001'), owner, {
    adoptable: false,
    options: DEFAULT_LISTENER_OPTIONS,
  })
  connection.start(readPipeline(stages, 'here'))
  return { connection, socket, log, seen, text: () => seen.join('') }
}

describe('a paused connection', () => {
  it('reads nothing more, and continues with the rest of the chunk and then with the next chunk', async () => {
    const { connection, socket, text } = open()
    socket.push('apbcpd')
    socket.push('ef')
    await turn()
    expect([text(), connection.paused, socket.isPaused()]).toEqual(['ap', true, true])
    await turn()
    expect(text()).toBe('ap')
    connection.resume()
    await turn()
    expect([text(), connection.paused]).toEqual(['apbcp', true])
    connection.resume()
    await turn()
    await turn()
    expect([text(), connection.paused, socket.isPaused()]).toEqual(['apbcpdef', false, false])
  })

  it('does not continue before the end of the turn in which it was resumed', async () => {
    const { connection, socket, text } = open()
    socket.push('pa')
    await turn()
    connection.resume()
    expect([text(), connection.paused]).toEqual(['p', false])
    await Promise.resolve()
    expect(text()).toBe('p')
    await turn()
    expect(text()).toBe('pa')
  })

  it('stays paused when it was resumed and paused again within a turn', async () => {
    const { connection, socket, text } = open()
    socket.push('pa')
    await turn()
    connection.resume()
    connection.pause()
    await turn()
    await turn()
    expect(text()).toBe('p')
    connection.resume()
    await turn()
    expect(text()).toBe('pa')
  })

  it('paused between two chunks keeps the next one for later', async () => {
    const { connection, socket, text } = open()
    socket.push('a')
    await turn()
    connection.pause()
    socket.push('b')
    await turn()
    expect(text()).toBe('a')
    connection.resume()
    await turn()
    await turn()
    expect(text()).toBe('ab')
  })

  it('resumed without having been paused does not read anything twice', async () => {
    const { connection, socket, text } = open((_, each) => each.resume())
    connection.resume()
    socket.push('ab')
    await turn()
    await turn()
    expect(text()).toBe('ab')
  })

  it('still sends', async () => {
    const { connection, socket } = open()
    socket.push('p')
    await turn()
    connection.write(Buffer.from('sent'))
    await turn()
    expect(Buffer.concat(socket.writes.flat()).toString()).toBe('sent')
  })

  it('drops the rest when it is closed', async () => {
    const { connection, socket, seen } = open()
    socket.push('pa')
    await turn()
    connection.close('test')
    connection.resume()
    await turn()
    await turn()
    expect(seen).toEqual(['p', 'decoder closed', 'handler closed', 'encoder closed'])
  })

  it('whose rest makes a stage throw is lost alone', async () => {
    const { connection, socket, seen, log } = open((letter) => {
      if (letter === 'x') throw new Error('stage failed')
    })
    socket.push('pxa')
    await turn()
    connection.resume()
    await turn()
    await turn()
    expect([connection.open, socket.destroyed]).toEqual([false, true])
    expect(seen).toEqual(['p', 'x', 'decoder closed', 'handler closed', 'encoder closed'])
    expect(log.at('error')).toHaveLength(1)
  })
})

describe('a peer that is done sending', () => {
  it('while the connection is paused: what it sent is read first, and answered', async () => {
    const { connection, socket, log, text } = open()
    socket.push('apb1pc2')
    socket.push('d3')
    socket.push(null)
    await turn()
    for (const expected of ['ap', 'apb1p']) {
      expect(text()).toBe(expected)
      await turn()
      expect(connection.open).toBe(true)
      connection.resume()
      await turn()
    }
    await turn()
    await turn()
    expect(text()).toBe('apb1pc2d3decoder closedhandler closedencoder closed')
    expect(Buffer.concat(socket.writes.flat())).toHaveLength(600)
    expect(log.at('debug')).toMatchObject([{ reason: 'client closed the network connection' }])
  })

  it('with a last packet that pauses the connection: it ends when the connection is resumed', async () => {
    const { connection, socket, text } = open()
    socket.push('ap')
    socket.push(null)
    await turn()
    await turn()
    expect([text(), connection.open]).toEqual(['ap', true])
    connection.write(Buffer.from('answer'))
    connection.resume()
    await turn()
    await turn()
    expect(connection.open).toBe(false)
    expect(Buffer.concat(socket.writes.flat()).toString()).toBe('answer')
  })
})

/** Takes what was written when there was too much, and what followed in the same turn. */
const takeBoth = async (socket: FakeSocket): Promise<void> => {
  for (let write = 0; write < 2; write++) {
    socket.takeAll()
    await turn()
  }
}

describe('congestion', () => {
  it('is over: every stage is notified once, in the order of the pipeline', async () => {
    const { connection, socket, seen } = open()
    socket.holdsBack = true
    connection.write(Buffer.alloc(1001))
    await turn()
    expect([connection.congested, seen]).toEqual([true, []])
    socket.takeAll()
    expect(seen).toEqual(['decoder drained', 'handler drained', 'encoder drained'])
    connection.write(Buffer.alloc(10))
    await turn()
    socket.takeAll()
    expect(seen).toHaveLength(3)
  })

  it('and a pause hold up the peer each for itself', async () => {
    const { connection, socket, text } = open()
    socket.holdsBack = true
    socket.push('999p1a')
    await turn()
    expect([text(), connection.pendingBytes]).toEqual(['999p', 2700])
    connection.resume()
    await turn()
    await turn()
    expect(text()).toBe('999p')
    await takeBoth(socket)
    expect(text()).toBe('999pdecoder drainedhandler drainedencoder drained1a')
    expect(socket.isPaused()).toBe(false)
  })

  it('that ends does not end a pause', async () => {
    const { connection, socket, text } = open()
    socket.holdsBack = true
    socket.push('999pa')
    await turn()
    await turn()
    await takeBoth(socket)
    expect([text().endsWith('a'), socket.isPaused()]).toEqual([false, true])
    connection.resume()
    await turn()
    expect([text().endsWith('a'), socket.isPaused()]).toEqual([true, false])
  })

  it('is not told of after the connection was closed', async () => {
    const { connection, socket, seen } = open()
    socket.holdsBack = true
    connection.write(Buffer.alloc(1001))
    connection.close('test')
    await turn()
    socket.takeAll()
    await turn()
    expect(seen).toEqual(['decoder closed', 'handler closed', 'encoder closed'])
  })
})

describe('a connection whose packets cause much work', () => {
  it('has its share of a turn, and continues after the shares of the other connections', async () => {
    const { connection, socket, text } = open((letter, each) => each.chargeWork(letter === 'm' ? 50_000 : 1))
    socket.push('ambmc')
    await turn()
    expect([text(), connection.paused]).toEqual(['am', true])
    await turn()
    expect(text()).toBe('ambm')
    await turn()
    await turn()
    expect([text(), connection.paused, socket.isPaused()]).toEqual(['ambmc', false, false])
  })

  it('continues at once if the work was spread over turns', async () => {
    const other = open()
    const { socket, text, connection } = open((_, each) => each.chargeWork(30_000))
    for (const letter of 'abc') {
      socket.push(letter)
      connection.write(Buffer.from('answer'))
      await turn()
      await turn()
    }
    expect([text(), other.text()]).toEqual(['abc', ''])
  })

  it('waits until there is less to send to all together', async () => {
    const totalPendingBytes = new TotalPendingBytes(1_000, new RecordingLogger())
    const slow = open(undefined, totalPendingBytes)
    slow.socket.holdsBack = true
    slow.connection.write(Buffer.alloc(1_001))
    await turn()
    const { socket, text, connection } = open((_, each) => each.chargeWork(1_001), totalPendingBytes)
    socket.push('ab')
    await turn()
    await turn()
    expect([text(), connection.paused]).toEqual(['a', true])
    slow.socket.takeAll()
    await turn()
    await turn()
    expect([text(), connection.paused]).toEqual(['ab', false])
  })

  it('does not wait for that as long as it has caused little work, until much more is to be sent', async () => {
    const totalPendingBytes = new TotalPendingBytes(1_000, new RecordingLogger())
    const slow = open(undefined, totalPendingBytes)
    slow.socket.holdsBack = true
    slow.connection.write(Buffer.alloc(1_001))
    await turn()
    const read = async (letters: string, units: number) => {
      const { socket, text } = open((_, each) => each.chargeWork(units), totalPendingBytes)
      socket.push(letters)
      for (let turns = 0; turns < 3; turns++) await turn()
      return text()
    }
    expect([await read('abcd', 300), await read('abcdefgh', 300)]).toEqual(['abcd', 'abcd'])
    slow.connection.write(Buffer.alloc(500))
    await turn()
    expect(await read('abcd', 1)).toBe('a')
    slow.socket.takeAll()
  })

  it('does not wait for a connection that is gone', async () => {
    const totalPendingBytes = new TotalPendingBytes(1_000, new RecordingLogger())
    const slow = open(undefined, totalPendingBytes)
    slow.socket.holdsBack = true
    slow.connection.write(Buffer.alloc(1_001))
    await turn()
    const { socket, text } = open((_, each) => each.chargeWork(1_001), totalPendingBytes)
    socket.push('ab')
    await turn()
    slow.socket.destroy()
    await turn()
    await turn()
    await turn()
    expect([text(), totalPendingBytes.bytes]).toEqual(['ab', 0])
  })
})
