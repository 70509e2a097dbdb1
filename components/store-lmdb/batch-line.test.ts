import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { Batch } from './batch.ts'
import { BatchLine, type Committer, type LineSettings, MAXIMUM_RECORDS } from './batch-line.ts'
import type { Operations } from './operations.ts'

/** Commits when the test says so. */
class Gate implements Committer {
  isStuck = false
  readonly held: (() => void)[] = []
  started = 0
  #listener: () => void = () => undefined

  onStuck(listener: () => void): void {
    this.#listener = listener
  }

  setStuck(isStuck: boolean): void {
    this.isStuck = isStuck
    this.#listener()
  }

  commit(_operations: Operations, done: () => void): void {
    this.started += 1
    this.held.push(done)
  }

  pass(): void {
    this.held.shift()!()
  }
}

describe('the line of batches', () => {
  let gate: Gate
  let line: BatchLine
  let encoded: number[]
  let told: [number, string][]
  /** Batches whose content was struck out. */
  let empty: Set<number>
  /** What runs when the turn ends. */
  let ends: (() => void)[]
  /** How many more turns each encoding takes. */
  let furtherTurns: number
  const settings: LineSettings = { durability: 'commit', bufferedMs: 1_000, maximumPendingBytes: 1_000 }

  const start = (changes: Partial<LineSettings> = {}) => {
    gate = new Gate()
    encoded = []
    told = []
    empty = new Set()
    furtherTurns = 0
    ends = []
    const owner = {
      endTurn: () => false,
      *encode(batch: Batch, to: Operations): Generator<undefined, void> {
        for (let turns = 0; turns < furtherTurns; turns += 1) yield
        encoded.push(batch.number)
        if (!empty.has(batch.number)) to.remove(Buffer.from([batch.number]))
      },
      committed: () => undefined,
    }
    line = new BatchLine({ ...settings, ...changes }, owner, gate, (end) => ends.push(end))
    line.onDurable(() => told.push([line.durableBatch, line.pressure]))
  }
  const turn = (records = 1, { bytes = 0, isAwaited = true } = {}) => {
    for (let n = 0; n < records; n += 1) line.recorded(bytes, isAwaited)
    line.endTurn()
  }
  beforeEach(() => start())

  it('writes a batch at the end of its turn, and not before', () => {
    line.recorded(0, true)
    expect(gate.started).toBe(0)
    line.endTurn()
    expect(gate.started).toBe(1)
    expect([line.open.number, line.durableBatch]).toEqual([2, 0])
    gate.pass()
    expect(told).toEqual([[1, 'none']])
  })

  it('gathers what comes while a commit runs, and writes it in one commit', () => {
    turn()
    for (let n = 0; n < 5; n += 1) turn()
    expect([gate.started, line.open.number]).toEqual([1, 2])
    gate.pass()
    expect([gate.started, encoded, line.durableBatch]).toEqual([2, [1, 2], 1])
    gate.pass()
    expect(line.durableBatch).toBe(2)
  })

  it('does not write what belongs to a turn that has not ended', () => {
    turn()
    line.recorded(0, true)
    gate.pass()
    expect(gate.started).toBe(1)
    line.endTurn()
    expect(gate.started).toBe(2)
  })

  it('closes a large batch at the end of a turn, and never divides a turn', () => {
    turn()
    turn(MAXIMUM_RECORDS * 2)
    expect(line.open.number).toBe(3)
    turn(MAXIMUM_RECORDS - 1)
    expect(line.open.number).toBe(3)
    turn(1)
    expect(line.open.number).toBe(4)
    gate.pass()
    gate.pass()
    gate.pass()
    expect([encoded, line.durableBatch]).toEqual([[1, 2, 3], 3])
  })

  it('encodes a batch over several turns, keeps its order, and commits it when it is complete', () => {
    furtherTurns = 2
    turn()
    expect([gate.started, encoded, line.open.number]).toEqual([0, [], 2])
    line.recorded(0, true)
    line.endTurn()
    expect([gate.started, encoded]).toEqual([0, []])
    line.endTurn()
    expect([gate.started, encoded, line.open.number]).toEqual([1, [1], 2])
    // The next one begins in the turn of the commit, and goes on in those behind it.
    gate.pass()
    expect([line.durableBatch, encoded, line.open.number]).toEqual([1, [1], 3])
    line.endTurn()
    line.endTurn()
    gate.pass()
    expect([line.durableBatch, encoded]).toEqual([2, [1, 2]])
  })

  it('never commits a batch of which a step of the encoding threw', () => {
    furtherTurns = 1
    turn()
    const { encoding } = line.handOver()
    const broken = new Error('a page is damaged')
    vi.spyOn(encoding!, 'next').mockImplementationOnce(() => encoding!.throw(broken))
    expect(() => line.completeEncoding()).toThrow(broken)
    for (let count = 0; count < 3; count += 1) expect(() => line.endTurn()).toThrow(broken)
    expect(() => line.completeEncoding()).toThrow(broken)
    expect([gate.started, line.durableBatch]).toEqual([0, 0])
  })

  it('asks for the next turn while a batch is encoded, and no more when it is stopped', () => {
    furtherTurns = 2
    line.recorded(0, true)
    ends.shift()!()
    expect([encoded, ends.length]).toEqual([[], 1])
    line.stop()
    ends.shift()!()
    expect([encoded, ends.length, gate.started]).toEqual([[], 0, 0])
  })

  it('is durable at once with a batch that has nothing to write, behind those before it', () => {
    empty.add(1)
    turn()
    expect([gate.started, told]).toEqual([0, [[1, 'none']]])
    turn()
    empty.add(3)
    turn()
    expect(line.durableBatch).toBe(1)
    gate.pass()
    expect([gate.started, line.durableBatch]).toEqual([1, 3])
  })

  it('puts a batch off in which messages are done and nothing else', () => {
    vi.useFakeTimers()
    try {
      turn(1, { isAwaited: false })
      turn(1, { isAwaited: false })
      expect(gate.started).toBe(0)
      vi.advanceTimersByTime(49)
      expect(gate.started).toBe(0)
      vi.advanceTimersByTime(1)
      expect(gate.started).toBe(1)
      gate.pass()
      turn(1, { isAwaited: false })
      turn(1)
      expect(gate.started).toBe(2)
    } finally {
      vi.useRealTimers()
    }
  })

  it('waits for nothing when it is buffered, and writes after a time', () => {
    vi.useFakeTimers()
    try {
      start({ durability: 'buffered', bufferedMs: 500 })
      turn()
      turn()
      expect([line.durableBatch, gate.started]).toEqual([Number.POSITIVE_INFINITY, 0])
      vi.advanceTimersByTime(500)
      expect(gate.started).toBe(1)
      gate.pass()
      expect(told).toEqual([])
    } finally {
      vi.useRealTimers()
    }
  })

  it('is slow above its bytes and until half of them', () => {
    turn(1, { bytes: 600 })
    turn(1, { bytes: 300 })
    expect(line.pressure).toBe('none')
    turn(1, { bytes: 101 })
    expect(line.pressure).toBe('slow')
    gate.pass()
    // 401 bytes wait.
    expect([line.pressure, told]).toEqual([
      'none',
      [
        [0, 'slow'],
        [1, 'none'],
      ],
    ])
  })

  it('says that it is stuck, and that it is no more, once each', () => {
    turn()
    gate.setStuck(true)
    gate.setStuck(true)
    expect(told).toEqual([[0, 'stuck']])
    gate.setStuck(false)
    gate.pass()
    expect(told).toEqual([
      [0, 'stuck'],
      [0, 'none'],
      [1, 'none'],
    ])
  })

  it('flushes everything, also what would be put off', async () => {
    await line.flush()
    line.recorded(0, false)
    let isFlushed = false
    const flushed = line.flush().then(() => {
      isFlushed = true
    })
    expect([gate.started, isFlushed]).toEqual([1, false])
    expect(line.pendingRecords).toBe(1)
    gate.pass()
    await flushed
    expect([line.pendingRecords, line.pendingBytes]).toEqual([0, 0])
  })
})
