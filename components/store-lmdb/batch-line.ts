import type { StorePressure } from '../../src/kinds/store.ts'
import { Batch } from './batch.ts'
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
  #open = new Batch(1)
  readonly #line: Batch[] = []
  #running: Batch | undefined
  /** The steps of the running batch that are left before its commit. */
  #encoding: Generator<undefined, void> | undefined
  readonly #work = new TurnWork(UNITS_IN_A_TURN)
  /** Bytes of the closed batches that are not durable. */
  #closedBytes = 0
  #durable = 0
  #pressure: StorePressure = 'none'
  #listener: () => void = () => undefined
  /** What the listener was told last. */
  #toldDurable = 0
  /** The end of the turn is awaited. */
  #isInTurn = false
  /** The open batch has waited long enough. */
  #isDue = false
  #timer: NodeJS.Timeout | undefined
  #flushed: (() => void)[] = []
  #isStopped = false

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
    committer.onStuck(() => this.#tell())
  }

  /** Takes records now. Call `recorded` for each. */
  get open(): Batch {
    return this.#open
  }

  get durableBatch(): number {
    return this.#settings.durability === 'buffered' ? Number.POSITIVE_INFINITY : this.#durable
  }

  get pressure(): StorePressure {
    return this.#pressure
  }

  get pendingBytes(): number {
    return this.#closedBytes + this.#open.bytes
  }

  /** Records that are not durable. */
  get pendingRecords(): number {
    return this.#line.reduce((sum, { records }) => sum + records, this.#open.records + (this.#running?.records ?? 0))
  }

  onDurable(listener: () => void): void {
    this.#listener = listener
  }

  /**
   * A record entered the open batch.
   * @param bytes what it keeps in memory, about.
   * @param isAwaited an answer may wait for it. A batch without such records is put off for a moment.
   */
  recorded(bytes: number, isAwaited: boolean): void {
    const batch = this.#open
    batch.isOpened = true
    batch.records += 1
    batch.bytes += bytes
    if (isAwaited) batch.isAwaited = true
    this.#beginTurn()
  }

  /** Work without a record has entered the open batch. */
  continued(): void {
    this.#open.isOpened = true
    this.#beginTurn()
  }

  /** Ends the turn now. */
  endTurn(): void {
    this.#isInTurn = false
    const isMore = this.#owner.endTurn()
    this.#work.begin()
    if (this.#encoding !== undefined) this.#encode()
    this.#advance()
    if (isMore || this.#encoding !== undefined) this.#beginTurn()
    this.#tell()
  }

  /**
   * The settings were changed in place. What waits is written by them: with the durability `commit` it is awaited from now on, and with
   * `buffered` it is awaited no more.
   */
  settingsChanged(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#isDue = this.#open.isOpened
    this.#listener()
    this.endTurn()
  }

  /** Writes everything that was appended, without waiting for more. @returns when it is durable. */
  async flush(): Promise<void> {
    if (!this.#isIdle) {
      const flushed = new Promise<void>((resolve) => this.#flushed.push(resolve))
      this.endTurn()
      await flushed
    }
  }

  /** Forgets what waits. */
  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#listener = () => undefined
  }

  get #isIdle(): boolean {
    return this.#running === undefined && this.#line.length === 0 && !this.#open.isOpened
  }

  #beginTurn(): void {
    if (this.#isInTurn) return
    this.#isInTurn = true
    this.#endOfTurn(this.#turnEnds)
  }

  readonly #turnEnds = (): void => {
    if (this.#isInTurn && !this.#isStopped) this.endTurn()
  }

  #advance(): void {
    while (this.#running === undefined) {
      const next = this.#line.shift()
      if (next !== undefined) this.#write(next)
      else if (this.#mayClose()) this.#close()
      else return
    }
    if (!this.#isInTurn && this.#open.records >= MAXIMUM_RECORDS) this.#close()
  }

  /** Whether the open batch is written now, when nothing else is. */
  #mayClose(): boolean {
    const { isOpened, isAwaited, records, isFullOfLeft } = this.#open
    if (!isOpened || this.#isInTurn) return false
    const { durability, bufferedMs } = this.#settings
    const isBuffered = durability === 'buffered'
    const isFull = records >= MAXIMUM_RECORDS || isFullOfLeft
    if ((isAwaited && !isBuffered) || this.#isDue || isFull || this.#flushed.length > 0) return true
    this.#timer ??= setTimeout(this.#due, isBuffered ? bufferedMs : PUT_OFF_MS)
    return false
  }

  readonly #due = (): void => {
    this.#timer = undefined
    this.#isDue = true
    this.#work.begin()
    this.#advance()
    if (this.#encoding !== undefined) this.#beginTurn()
    this.#tell()
  }

  #close(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#isDue = false
    const batch = this.#open
    this.#open = new Batch(batch.number + 1)
    this.#line.push(batch)
    this.#closedBytes += batch.bytes
  }

  #write(batch: Batch): void {
    this.#running = batch
    this.#encoding = this.#owner.encode(batch, this.#operations, this.#work)
    this.#encode()
  }

  /** Encodes more of the running batch, and commits it when it is complete. */
  #encode(): void {
    if (this.#encoding?.next().done !== true) return
    this.#encoding = undefined
    if (this.#operations.count === 0) this.#finish()
    else this.#committer.commit(this.#operations, this.#committed)
  }

  readonly #committed = (): void => {
    this.#finish()
    this.#work.begin()
    this.#advance()
    if (this.#encoding !== undefined) this.#beginTurn()
    this.#tell()
  }

  #finish(): void {
    const batch = this.#running!
    this.#running = undefined
    this.#operations.clear()
    this.#closedBytes -= batch.bytes
    this.#durable = batch.number
    this.#owner.committed(batch)
  }

  /** Tells the listener what has changed, and those who wait that everything is written. */
  #tell(): void {
    const pressure = this.#pressureNow()
    const hasGrown = this.#durable > this.#toldDurable && this.#settings.durability === 'commit'
    const hasChanged = pressure !== this.#pressure
    this.#pressure = pressure
    this.#toldDurable = this.#durable
    if (hasGrown || hasChanged) this.#listener()
    if (this.#flushed.length === 0 || !this.#isIdle) return
    const flushed = this.#flushed
    this.#flushed = []
    for (const resolve of flushed) resolve()
  }

  #pressureNow(): StorePressure {
    if (this.#committer.isStuck) return 'stuck'
    const { maximumPendingBytes } = this.#settings
    const limit = this.#pressure === 'none' ? maximumPendingBytes : maximumPendingBytes / 2
    return this.pendingBytes > limit ? 'slow' : 'none'
  }
}

/** Records after which a batch is closed. lmdb-js stops the thread when 300,000 operations wait. */
export const MAXIMUM_RECORDS = 4_096
/** How long a batch is put off in which messages are done and nothing else. After a crash they are sent again. */
const PUT_OFF_MS = 50
/** Work of encoding in one turn, in units of about 0.2 µs: about 5 ms. The broker divides its own work in the same way. */
export const UNITS_IN_A_TURN = 25_000
