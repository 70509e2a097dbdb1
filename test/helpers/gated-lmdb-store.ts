import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { open } from 'lmdb'
import type { Committer } from '../../components/store-lmdb/batch-line.ts'
import { storeLmdbConfig } from '../../components/store-lmdb/config.ts'
import { Environment } from '../../components/store-lmdb/environment.ts'
import type { Operations, OperationTarget } from '../../components/store-lmdb/operations.ts'
import { emptyIndex, loadIndex, type RestoredIndex } from '../../components/store-lmdb/restore.ts'
import { LmdbStore } from '../../components/store-lmdb/store-lmdb.ts'
import { Change } from '../../src/collections/change.ts'
import type { StoreRecord } from '../../src/kinds/store.ts'
import type { ControlledStore } from './controlled-store.ts'
import { RecordingLogger } from './recording-logger.ts'

/** `store-lmdb` over a real file, whose turns end and whose commits succeed when the test says so. It never syncs the file. */
export class GatedLmdbStore extends LmdbStore implements ControlledStore {
  readonly environment: Environment
  readonly #gate: Gate
  /** By the number of their batch, in order. */
  #records = new Map<number, StoreRecord[]>()
  #listener: () => void = () => undefined

  private constructor(environment: Environment, gate: Gate, index: RestoredIndex) {
    const settings = storeLmdbConfig.parse({})
    const log = new RecordingLogger()
    super({ file: environment, committer: gate, log, settings, index, endOfTurn: () => undefined })
    this.environment = environment
    this.#gate = gate
    this.#listen()
  }

  /** Another instance continues, as at a reset. @returns it, or this one if that is undone. */
  swap(isUndone: boolean): GatedLmdbStore {
    const next = new GatedLmdbStore(this.environment, this.#gate, emptyIndex())
    next.#records = this.#records
    next.#listener = this.#listener
    const change = new Change(next.takingOver(this.handOver()))
    change.commit()
    next.#listen()
    if (!isUndone) return next
    change.undo()
    this.#listen()
    return this
  }

  #listen(): void {
    super.onDurable(() => {
      for (const batch of this.#records.keys()) if (batch <= this.durableBatch) this.#records.delete(batch)
      this.#listener()
    })
  }

  /** In a new directory, unless one is given. */
  static async open(path = mkdtempSync(join(tmpdir(), 'gated-lmdb-'))): Promise<GatedLmdbStore> {
    const database = open<Buffer, Buffer>({
      path,
      noSubdir: false,
      encoding: 'binary',
      keyEncoding: 'binary',
      maxDbs: 1,
      noSync: true,
      eventTurnBatching: false,
    })
    const environment = new Environment(path, database)
    return new GatedLmdbStore(environment, new Gate(environment), await loadIndex(environment))
  }

  override append(record: StoreRecord): void {
    const records = this.#records.get(this.batch)
    if (records === undefined) this.#records.set(this.batch, [record])
    else records.push(record)
    super.append(record)
  }

  override onDurable(listener: () => void): void {
    this.#listener = listener
  }

  get pending(): readonly StoreRecord[] {
    return [...this.#records.values()].flat()
  }

  endBatch(): void {
    this.endTurn()
  }

  settleOldest(): void {
    if (!this.#gate.isClosed) void this.flush()
    this.#gate.pass()
  }

  /** Lets the commit that has begun succeed, if there is one. */
  passCommit(): void {
    this.#gate.pass()
  }

  settle(): void {
    void this.flush()
    while (this.#gate.isClosed) this.#gate.pass()
  }

  settleAll(): void {
    while (this.#records.size > 0) this.settle()
  }

  async crash(): Promise<GatedLmdbStore> {
    this.#listener = () => undefined
    this.stop()
    await this.environment.close()
    return GatedLmdbStore.open(this.environment.path)
  }

  async dispose(): Promise<void> {
    this.stop()
    await this.environment.close()
    rmSync(this.environment.path, { recursive: true, force: true })
  }
}

/** Holds a commit until it may pass. */
class Gate implements Committer {
  readonly isStuck = false
  readonly #environment: Environment
  #held: { readonly operations: Operations; readonly done: () => void } | undefined

  constructor(environment: Environment) {
    this.#environment = environment
  }

  get isClosed(): boolean {
    return this.#held !== undefined
  }

  onStuck(): void {}

  commit(operations: Operations, done: () => void): void {
    this.#held = { operations, done }
  }

  pass(): void {
    const held = this.#held
    if (held === undefined) return
    this.#held = undefined
    const { operations } = held
    const { database } = this.#environment
    this.#environment.transaction(() => operations.apply(database as OperationTarget, operations.count))
    held.done()
  }
}
