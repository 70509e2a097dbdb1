import type { StorePressure } from '../../src/kinds/store.ts'
import { Batch } from './batch.ts'
import { Charge } from './charge.ts'
import type { StoreLmdbConfig } from './config.ts'
import { Operations } from './operations.ts'
import { TurnWork } from './turn-work.ts'

/** Makes operations durable. */
export interface Committer {
  /** Commits all of them, as often as it takes, and then calls. One at a time. They must not change until then. */
  commit(operations: Operations, done: () => void): void
  /** The last attempt failed. */
  readonly isStuck: boolean
  /** Sets the function that is called when `isStuck` has changed. */
  onStuck(listener: () => void): void
}

/** What happens to the content of the batches. */
export interface BatchOwner {
  /** A turn ends that had records. @returns whether the open batch takes more work in the next turn. */
  endTurn(): boolean
  /**
   * Everything before the batch is committed. Each step ends when the work of the turn is used up; the next one is in a later
   * turn.
   */
  encode(batch: Batch, to: Operations, work: TurnWork): Generator<undefined, void>
  committed(batch: Batch): void
}

export type LineSettings = Pick<StoreLmdbConfig, 'durability' | 'bufferedMs' | 'maximumPendingBytes'>

/** Runs a function when the present turn of the event loop is over. */
export type EndOfTurn = (end: () => void) => void

/** What a line calls back, or its successor. */
type LineInCharge = Pick<BatchLine, 'turnEnds' | 'due' | 'committed' | 'completeEncoding' | 'takeCharge'>

/** What a line knows. At a reset the successor gets this object. */
export interface LineState {
  readonly charge: Charge<LineInCharge>
  readonly onTurnEnd: () => void
  readonly onDue: () => void
  readonly onCommitted: () => void
  open: Batch
  readonly line: Batch[]
  running: { readonly batch: Batch; readonly operations: Operations } | undefined
  /** The steps of the running batch that are left before its commit. */
  encoding: Generator<undefined, void> | undefined
  /** Bytes of the closed batches that are not durable. */
  closedBytes: number
  durable: number
  pressure: StorePressure
  listener: () => void
  /** What the listener was told last. */
  toldDurable: number
  /** The end of the turn is awaited. */
  isInTurn: boolean
  /** The open batch has waited long enough. */
  isDue: boolean
  timer: NodeJS.Timeout | undefined
  flushed: (() => void)[]
  isStopped: boolean
}

/**
 * The batches, from the first record to the commit. The open batch takes records. It is closed at the end of a turn if no commit
 * runs, else when the running one ends, or at the end of a turn in which it has become large; a turn is never divided. Closed
 * batches wait in line, and one commit runs at a time. A batch is encoded over several turns if it is large, and is written in one
 * commit. A batch with nothing to write is durable at once.
 */
export class BatchLine {
  readonly #settings: LineSettings
  readonly #owner: BatchOwner
  readonly #committer: Committer
  readonly #endOfTurn: EndOfTurn
  readonly #operations = new Operations()
  readonly #work = new TurnWork(UNITS_IN_A_TURN)
  #state: LineState
  /** It has just continued what a predecessor began. The settings may be others, so the listener is told at the end of the turn. */
  #isNewInCharge = false

  constructor(
    settings: LineSettings,
    owner: BatchOwner,
    committer: Committer,
    endOfTurn: EndOfTurn = (end) => setImmediate(end),
  ) {
    this.#settings = settings
    this.#owner = owner
    this.#committer = committer
    this.#endOfTurn = endOfTurn
    this.#state = newState(this)
    committer.onStuck(() => this.#tell())
  }

  /** For a successor. Changes nothing. */
  handOver(): LineState {
    return this.#state
  }

  /**
   * Continues at a reset, and is in charge from now on. What is encoded must have been completed.
   * @returns gives the charge back.
   */
  takeOver(state: LineState): () => void {
    const before = state.charge.holder
    this.#state = state
    this.takeCharge()
    return () => before.takeCharge()
  }

  /** Takes records from now on, in a batch of its own. Those before wait in line. */
  takeCharge(): void {
    const state = this.#state
    if (state.open.isOpened) this.#close()
    // It has nothing, and may be of another generation of the code.
    else state.open = new Batch(state.open.number)
    state.charge.take(this)
    this.#isNewInCharge = true
    this.#beginTurn()
  }

  /** Completes the encoding that is under way, in this turn: its code and the tables that it uses are those of this generation. */
  completeEncoding(): void {
    while (this.#state.encoding !== undefined) {
      this.#work.begin()
      this.#encode()
    }
  }

  /** Takes records now. Call `recorded` for each. */
  get open(): Batch {
    return this.#state.open
  }

  get durableBatch(): number {
    return this.#settings.durability === 'buffered' ? Number.POSITIVE_INFINITY : this.#state.durable
  }

  get pressure(): StorePressure {
    return this.#state.pressure
  }

  get pendingBytes(): number {
    return this.#state.closedBytes + this.#state.open.bytes
  }

  /** Records that are not durable. */
  get pendingRecords(): number {
    const { line, open, running } = this.#state
    return line.reduce((sum, { records }) => sum + records, open.records + (running?.batch.records ?? 0))
  }

  onDurable(listener: () => void): void {
    this.#state.listener = listener
  }

  /**
   * A record entered the open batch.
   * @param bytes what it keeps in memory, about.
   * @param isAwaited an answer may wait for it. A batch without such records is put off for a moment.
   */
  recorded(bytes: number, isAwaited: boolean): void {
    const batch = this.#state.open
    batch.isOpened = true
    batch.records += 1
    batch.bytes += bytes
    if (isAwaited) batch.isAwaited = true
    this.#beginTurn()
  }

  /** Work without a record has entered the open batch. */
  continued(): void {
    this.#state.open.isOpened = true
    this.#beginTurn()
  }

  /** Ends the turn now. */
  endTurn(): void {
    this.#state.isInTurn = false
    const isMore = this.#owner.endTurn()
    this.#work.begin()
    if (this.#state.encoding !== undefined) this.#encode()
    this.#advance()
    if (isMore || this.#state.encoding !== undefined) this.#beginTurn()
    this.#tell()
  }

  /**
   * The settings were changed in place. What waits is written by them: with the durability `commit` it is awaited from now on, and with
   * `buffered` it is awaited no more.
   */
  settingsChanged(): void {
    clearTimeout(this.#state.timer)
    this.#state.timer = undefined
    this.#state.isDue = this.#state.open.isOpened
    this.#state.listener()
    this.endTurn()
  }

  /** Writes everything that was appended, without waiting for more. @returns when it is durable. */
  async flush(): Promise<void> {
    if (!this.#isIdle) {
      const flushed = new Promise<void>((resolve) => this.#state.flushed.push(resolve))
      this.endTurn()
      await flushed
    }
  }

  /** Forgets what waits. */
  stop(): void {
    this.#state.isStopped = true
    clearTimeout(this.#state.timer)
    this.#state.timer = undefined
    this.#state.listener = () => undefined
  }

  get #isIdle(): boolean {
    return this.#state.running === undefined && this.#state.line.length === 0 && !this.#state.open.isOpened
  }

  #beginTurn(): void {
    if (this.#state.isInTurn) return
    this.#state.isInTurn = true
    this.#endOfTurn(this.#state.onTurnEnd)
  }

  /** The present turn of the event loop is over. */
  turnEnds(): void {
    if (this.#state.isInTurn && !this.#state.isStopped) this.endTurn()
  }

  #advance(): void {
    while (this.#state.running === undefined) {
      const next = this.#state.line.shift()
      if (next !== undefined) this.#write(next)
      else if (this.#mayClose()) this.#close()
      else return
    }
    if (!this.#state.isInTurn && this.#state.open.records >= MAXIMUM_RECORDS) this.#close()
  }

  /** Whether the open batch is written now, when nothing else is. */
  #mayClose(): boolean {
    const { isOpened, isAwaited, records, isFullOfLeft } = this.#state.open
    if (!isOpened || this.#state.isInTurn) return false
    const { durability, bufferedMs } = this.#settings
    const isBuffered = durability === 'buffered'
    const isFull = records >= MAXIMUM_RECORDS || isFullOfLeft
    if ((isAwaited && !isBuffered) || this.#state.isDue || isFull || this.#state.flushed.length > 0) return true
    this.#state.timer ??= setTimeout(this.#state.onDue, isBuffered ? bufferedMs : PUT_OFF_MS)
    return false
  }

  /** The open batch has waited long enough. */
  due(): void {
    this.#state.timer = undefined
    this.#state.isDue = true
    this.#work.begin()
    this.#advance()
    if (this.#state.encoding !== undefined) this.#beginTurn()
    this.#tell()
  }

  #close(): void {
    clearTimeout(this.#state.timer)
    this.#state.timer = undefined
    this.#state.isDue = false
    const batch = this.#state.open
    this.#state.open = new Batch(batch.number + 1)
    this.#state.line.push(batch)
    this.#state.closedBytes += batch.bytes
  }

  #write(batch: Batch): void {
    this.#state.running = { batch, operations: this.#operations }
    this.#state.encoding = this.#owner.encode(batch, this.#operations, this.#work)
    this.#encode()
  }

  /** Encodes more of the running batch, and commits it when it is complete. @throws what a step throws, at each later call too. */
  #encode(): void {
    try {
      if (this.#state.encoding?.next().done !== true) return
    } catch (error) {
      // A generator that threw is done from then on, and the half of a batch must not be committed as the whole of it.
      this.#state.encoding = failing(error)
      throw error
    }
    this.#state.encoding = undefined
    if (this.#operations.count === 0) this.#finish()
    else this.#committer.commit(this.#operations, this.#state.onCommitted)
  }

  /** The running batch is durable. */
  committed(): void {
    this.#finish()
    this.#work.begin()
    this.#advance()
    if (this.#state.encoding !== undefined) this.#beginTurn()
    this.#tell()
  }

  #finish(): void {
    const { batch, operations } = this.#state.running!
    this.#state.running = undefined
    operations.clear()
    this.#state.closedBytes -= batch.bytes
    this.#state.durable = batch.number
    this.#owner.committed(batch)
  }

  /** Tells the listener what has changed, and those who wait that everything is written. */
  #tell(): void {
    const pressure = this.#pressureNow()
    const hasGrown = this.#state.durable > this.#state.toldDurable && this.#settings.durability === 'commit'
    const hasChanged = pressure !== this.#state.pressure
    this.#state.pressure = pressure
    this.#state.toldDurable = this.#state.durable
    if (hasGrown || hasChanged || this.#isNewInCharge) {
      this.#isNewInCharge = false
      this.#state.listener()
    }
    if (this.#state.flushed.length === 0 || !this.#isIdle) return
    const flushed = this.#state.flushed
    this.#state.flushed = []
    for (const resolve of flushed) resolve()
  }

  #pressureNow(): StorePressure {
    if (this.#committer.isStuck) return 'stuck'
    const { maximumPendingBytes } = this.#settings
    const limit = this.#state.pressure === 'none' ? maximumPendingBytes : maximumPendingBytes / 2
    return this.pendingBytes > limit ? 'slow' : 'none'
  }
}

/** The encoding of a batch that cannot be encoded. */
function* failing(error: unknown): Generator<undefined, void> {
  yield* []
  throw error
}

const newState = (holder: LineInCharge): LineState => {
  const charge = new Charge(holder)
  return {
    charge,
    onTurnEnd: () => charge.holder.turnEnds(),
    onDue: () => charge.holder.due(),
    onCommitted: () => charge.holder.committed(),
    ...{ open: new Batch(1), line: [], running: undefined, encoding: undefined, closedBytes: 0, durable: 0 },
    ...{ pressure: 'none', listener: () => undefined, toldDurable: 0, isInTurn: false, isDue: false },
    ...{ timer: undefined, flushed: [], isStopped: false },
  }
}

/** Records after which a batch is closed. lmdb-js stops the thread when 300,000 operations wait. */
export const MAXIMUM_RECORDS = 4_096
/** How long a batch is put off in which messages are done and nothing else. After a crash they are sent again. */
const PUT_OFF_MS = 50
/** Work of encoding in one turn, in units of about 0.2 µs: about 5 ms. The broker divides its own work in the same way. */
export const UNITS_IN_A_TURN = 25_000
