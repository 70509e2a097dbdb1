/** What the broker sends once a second, and the connection that it comes through. */

import { type Api, ApiError } from './api.ts'
import { Backoff } from './backoff.ts'
import type { LogEntry, Overview, TraceLine } from './contract.ts'
import { readEvents, type StreamEvent } from './event-stream.ts'
import { History } from './history.ts'

export type Connection =
  | { readonly state: 'connecting' }
  | { readonly state: 'connected' }
  | { readonly state: 'lost'; readonly why: string; readonly sinceMs: number; readonly retryAtMs: number }

/** Lines that the page keeps. */
export const LOG_LINES = 1_000

/** The broker sends an event each second. After this time without one the connection is given up. */
const SILENCE_MS = 10_000

export interface Clock {
  now(): number
  /** @returns cancels it. */
  later(action: () => void, milliseconds: number): () => void
}

const realClock: Clock = {
  now: () => Date.now(),
  later: (action, milliseconds) => {
    const timer = setTimeout(action, milliseconds)
    return () => clearTimeout(timer)
  },
}

/** A line of the log with a key that tells it apart: the numbers of a broker begin again when it is started again. */
export interface KeyedLine extends LogEntry {
  readonly key: number
}

export class Live {
  readonly history = new History()
  connection: Connection = { state: 'connecting' }
  overview: Overview | undefined
  /** When the overview came. */
  overviewAtMs = 0
  log: readonly KeyedLine[] = []
  readonly #api: Api
  readonly #clock: Clock
  readonly #backoff = new Backoff()
  readonly #listeners = new Set<() => void>()
  readonly #traceListeners = new Set<(id: string, line: TraceLine) => void>()
  #abort: AbortController | undefined
  #cancelRetry: (() => void) | undefined
  #cancelSilence: (() => void) | undefined
  #lines = 0
  #stopped = false

  constructor(api: Api, clock: Clock = realClock) {
    this.#api = api
    this.#clock = clock
  }

  /** Calls back after each change. @returns ends it. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  onTrace(listener: (id: string, line: TraceLine) => void): () => void {
    this.#traceListeners.add(listener)
    return () => this.#traceListeners.delete(listener)
  }

  /** Connects, and connects again when the connection is lost, until `stop`. Resolves when this connection is over. */
  async connect(): Promise<void> {
    this.#cancelRetry?.()
    this.#abort?.abort()
    const abort = new AbortController()
    this.#abort = abort
    if (this.overview === undefined) void this.#readOverview(abort.signal)
    let why = 'The broker ended the connection.'
    try {
      this.#expectEvents(abort)
      await readEvents(await this.#api.events(abort.signal), (event) => {
        if (abort.signal.aborted) return
        this.#expectEvents(abort)
        this.#take(event)
      })
    } catch (error) {
      if (error instanceof ApiError) why = error.message
      else why = abort.signal.aborted ? 'The broker sends nothing any more.' : 'The connection was lost.'
      if (error instanceof ApiError && error.status === 401) this.#stopped = true
    }
    // Another call of `connect` has taken over, with its own wait for silence.
    if (this.#abort !== abort) return
    this.#cancelSilence?.()
    if (!this.#stopped) this.#retryLater(why)
  }

  stop(): void {
    this.#stopped = true
    this.#cancelRetry?.()
    this.#cancelSilence?.()
    this.#abort?.abort()
  }

  /** Adds lines that came before the first event, older ones first. */
  addOlderLog(lines: readonly LogEntry[]): void {
    const first = this.log[0]
    const isOlder = ({ number, timeMs }: LogEntry) =>
      first === undefined || (number < first.number && timeMs <= first.timeMs)
    this.log = [...this.#keyed(lines.filter(isOlder)), ...this.log].slice(-LOG_LINES)
    this.#changed()
  }

  clearLog(): void {
    this.log = []
    this.#changed()
  }

  /** The page has its numbers at once: the first event comes after a second. */
  async #readOverview(signal: AbortSignal): Promise<void> {
    try {
      const overview = await this.#api.get<Overview>('/overview', {}, signal)
      if (this.overview === undefined) this.#takeOverview(overview)
    } catch {
      // The events fail as well, and say why.
    }
  }

  #takeOverview(overview: Overview): void {
    this.overview = overview
    this.overviewAtMs = this.#clock.now()
    this.history.add(overview, this.overviewAtMs)
    this.#changed()
  }

  #expectEvents(abort: AbortController): void {
    this.#cancelSilence?.()
    this.#cancelSilence = this.#clock.later(() => abort.abort(), SILENCE_MS)
  }

  #retryLater(why: string): void {
    const now = this.#clock.now()
    const wait = this.#backoff.next()
    const sinceMs = this.connection.state === 'lost' ? this.connection.sinceMs : now
    this.connection = { state: 'lost', why, sinceMs, retryAtMs: now + wait }
    this.#cancelRetry = this.#clock.later(() => void this.connect(), wait)
    this.#changed()
  }

  #take({ name, data }: StreamEvent): void {
    if (this.connection.state !== 'connected') {
      this.#backoff.reset()
      this.connection = { state: 'connected' }
    }
    if (name === 'overview') {
      this.#takeOverview(JSON.parse(data) as Overview)
    } else if (name === 'log') {
      this.log = [...this.log, ...this.#keyed([JSON.parse(data) as LogEntry])].slice(-LOG_LINES)
    } else if (name === 'trace') {
      const { traceId, ...line } = JSON.parse(data) as TraceLine & { readonly traceId: string }
      for (const listener of this.#traceListeners) listener(traceId, line)
    }
    this.#changed()
  }

  #keyed(lines: readonly LogEntry[]): KeyedLine[] {
    return lines.map((line) => ({ ...line, key: this.#lines++ }))
  }

  #changed(): void {
    for (const listener of this.#listeners) listener()
  }
}
