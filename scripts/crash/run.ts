import { resolve } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import { freePort } from '../../bench/brokers/free-port.ts'
import { removeTemporaryDirectory, temporaryDirectory } from '../../bench/temporary.ts'
import { BrokerProcess, type BrokerProcessOptions } from './broker-process.ts'
import type { CrashOptions } from './command-line.ts'
import { type FileBytes, growthOf, storeBytes } from './file-growth.ts'
import { Publisher } from './publisher.ts'
import { randomFrom } from './random.ts'
import { acknowledgedBy, type Clients, checkRetained, checkStore, receivedBy, settle } from './settle.ts'
import { Subscriber } from './subscriber.ts'

/** When the broker is killed, in milliseconds after it has acknowledged a message, */
const KILL_MS = { least: 10, most: 250 }
/** or, for this part of the kills, after it accepts connections: while clients come back. */
const EARLY = 0.25
/** How long the broker may take until it acknowledges a message, in milliseconds. */
const START_MS = 60_000
/** How long a subscriber stays, or stays away, in milliseconds. */
const STAY_MS = { least: 20, most: 200 }
const ACKNOWLEDGEMENT_POLL_MS = 2
/** How often a soak looks at the files and at what its subscribers lack, in milliseconds. */
const SAMPLE_MS = 50
/** In a soak publishers wait while the subscribers lack more messages than this together: what waits takes no more space then. */
const SOAK_BACKLOG = 5_000

export interface CrashResult {
  readonly kills: number
  readonly acknowledged: number
  readonly received: number
  /** Promises that were broken; at most ten. */
  readonly broken: readonly string[]
  /** What `store check` said; undefined when the store has no files. */
  readonly check: string | undefined
  /** Of a soak: the largest size of the store's files. */
  readonly fileBytes: FileBytes | undefined
}

/**
 * Kills the broker `count` times under load, or leaves it under load for some time, and checks what its clients have afterwards. Ends at
 * the first broken promise.
 */
export const runCrashes = async (root: string, options: CrashOptions): Promise<CrashResult> => {
  const directory = temporaryDirectory()
  const { settings, config } = options
  const absolute = config === undefined ? undefined : resolve(config)
  const port = await freePort()
  const run = new CrashRun({ root, directory, port, config: absolute, settings }, options)
  try {
    return await run.run()
  } finally {
    await run.end()
    removeTemporaryDirectory(directory)
  }
}

class CrashRun {
  readonly #broker: BrokerProcessOptions
  readonly #options: CrashOptions
  readonly #random: () => number
  readonly #broken: string[] = []
  #publishers: Publisher[] = []
  #subscribers: Subscriber[] = []
  readonly #timers = new Set<NodeJS.Timeout>()
  #process: BrokerProcess | undefined

  constructor(broker: BrokerProcessOptions, options: CrashOptions) {
    this.#broker = broker
    this.#options = options
    this.#random = randomFrom(options.seed)
  }

  async run(): Promise<CrashResult> {
    this.#process = await BrokerProcess.start(this.#broker)
    await this.#openClients()
    const isSoak = this.#options.mode === 'soak'
    const kills = isSoak ? 0 : await this.#kill()
    const fileBytes = isSoak ? await this.#soak() : undefined
    await this.#finish()
    this.#closeClients()
    await this.#process?.stop()
    this.#process = undefined
    const check = checkStore(this.#broker.root, this.#broker.directory, this.#broken)
    return {
      kills,
      acknowledged: this.#acknowledged,
      received: receivedBy(this.#subscribers),
      broken: this.#broken.slice(0, 10),
      check,
      fileBytes,
    }
  }

  /** @returns how often the broker was killed. */
  async #kill(): Promise<number> {
    let kills = 0
    while (kills < this.#options.count && this.#broken.length === 0) {
      if (this.#random() >= EARLY) await this.#acknowledgement()
      await after(this.#between(KILL_MS))
      this.#mustRun()
      await this.#process?.kill()
      kills += 1
      this.#process = await BrokerProcess.start(this.#broker)
    }
    return kills
  }

  /** The load goes on. @returns the largest size of the store's files in the first half of the time and in the second one. */
  async #soak(): Promise<FileBytes> {
    const endMs = this.#options.seconds * 1_000
    const sinceMs = performance.now()
    const bytes = { early: 0, late: 0 }
    for (;;) {
      const passedMs = performance.now() - sinceMs
      if (passedMs > endMs || this.#broken.length > 0) break
      const half = passedMs < endMs / 2 ? 'early' : 'late'
      bytes[half] = Math.max(bytes[half], storeBytes(this.#broker.directory))
      const lacking = this.#acknowledged * this.#subscribers.length - receivedBy(this.#subscribers)
      for (const publisher of this.#publishers) publisher.pause(lacking > SOAK_BACKLOG)
      await after(SAMPLE_MS)
      this.#mustRun()
    }
    for (const publisher of this.#publishers) publisher.pause(false)
    const growth = growthOf(bytes)
    if (growth !== undefined) this.#broken.push(growth)
    return bytes
  }

  /** @throws Error if the broker has ended by itself. */
  #mustRun(): void {
    const crash = this.#process?.crash
    if (crash !== undefined) throw new Error(`the broker ${crash}`)
  }

  async end(): Promise<void> {
    this.#closeClients()
    await this.#process?.stop()
  }

  async #openClients(): Promise<void> {
    const { publishers, subscribers } = this.#options
    const broken = (what: string) => void this.#broken.push(what)
    const { port } = this.#broker
    this.#subscribers = numbers(subscribers).map(
      (index) => new Subscriber({ index, protocolVersion: index % 2 === 0 ? 5 : 4, port, broken }),
    )
    await Promise.all(this.#subscribers.map(({ subscribed }) => subscribed))
    this.#publishers = numbers(publishers).map((index) => {
      const [qos, retain] = [index % 2 === 0 ? 1 : 2, index < 2] as const
      return new Publisher({ index, qos, retain, protocolVersion: index % 4 < 2 ? 5 : 4, port, broken })
    })
    // The first one stays connected.
    for (const subscriber of this.#subscribers.slice(1)) this.#comeAndGo(subscriber, true)
  }

  #comeAndGo(subscriber: Subscriber, isConnected: boolean): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      if (isConnected) subscriber.close()
      else subscriber.open()
      this.#comeAndGo(subscriber, !isConnected)
    }, this.#between(STAY_MS))
    this.#timers.add(timer)
  }

  /** Resolves when a message is acknowledged, or a promise was broken. */
  async #acknowledgement(): Promise<void> {
    const before = this.#acknowledged
    const sinceMs = performance.now()
    while (this.#acknowledged === before && this.#broken.length === 0) {
      if (performance.now() - sinceMs > START_MS)
        throw new Error(`the broker acknowledges nothing: ${this.#process?.describe()}`)
      await after(ACKNOWLEDGEMENT_POLL_MS)
    }
  }

  get #acknowledged(): number {
    return acknowledgedBy(this.#publishers)
  }

  /** Everything that was published must come now. */
  async #finish(): Promise<void> {
    this.#stopTimers()
    for (const publisher of this.#publishers) publisher.end()
    for (const subscriber of this.#subscribers) subscriber.open()
    await settle(this.#clients)
    if (this.#broken.length === 0) await checkRetained(this.#broker.port, this.#clients)
  }

  get #clients(): Clients {
    return { publishers: this.#publishers, subscribers: this.#subscribers, broken: this.#broken }
  }

  #closeClients(): void {
    this.#stopTimers()
    for (const client of [...this.#publishers, ...this.#subscribers]) client.close()
  }

  #stopTimers(): void {
    for (const timer of this.#timers) clearTimeout(timer)
    this.#timers.clear()
  }

  #between({ least, most }: { readonly least: number; readonly most: number }): number {
    return least + this.#random() * (most - least)
  }
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index)
