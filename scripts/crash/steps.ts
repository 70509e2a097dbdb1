import { setTimeout as after } from 'node:timers/promises'
import { freePort } from '../../bench/brokers/free-port.ts'
import { removeTemporaryDirectory, temporaryDirectory } from '../../bench/temporary.ts'
import { BrokerProcess, type BrokerProcessOptions } from './broker-process.ts'
import type { BuiltCopy } from './built-copy.ts'
import { Publisher } from './publisher.ts'
import { acknowledgedBy, type Clients, checkRetained, checkStore, receivedBy, settle } from './settle.ts'
import { Subscriber } from './subscriber.ts'

/** The system whose store ends the process at a step. */
const CONFIG = 'test/helpers/crash-store/system.config.ts'
/** Messages of each of four publishers. Each goes to two subscribers, which makes about 200 records. */
const MESSAGES = 8
/** Small, so that the records come in many batches. */
const WINDOW = 1
/** How long it may take until the end of a process is known, in milliseconds. */
const EXIT_MS = 10_000
/** While the broker is checked and started again, nothing comes. */
const WAIT = { pollMs: 2, patienceMs: 60_000 }

export interface StepsOptions {
  /** The first step at which the broker is killed, and how many further each next one is. */
  readonly every: number
  /** How many kills at most. */
  readonly most?: number
  readonly settings: readonly string[]
}

export interface StepsResult {
  readonly kills: number
  /** Of the scenario, at least. */
  readonly steps: number
  readonly acknowledged: number
  readonly received: number
  readonly broken: readonly string[]
}

/**
 * Runs the same scenario again and again in a new store, and kills the broker at a later step of the store each time, until the
 * scenario ends before the step is reached. Ends at the first broken promise.
 */
export const runSteps = async (built: BuiltCopy, options: StepsOptions): Promise<StepsResult> => {
  const { every, most = Number.POSITIVE_INFINITY, settings } = options
  const { root } = built
  const config = built.file(CONFIG)
  const total = { kills: 0, steps: 0, acknowledged: 0, received: 0, broken: [] as string[] }
  for (let step = every; ; step += every) {
    const directory = temporaryDirectory()
    const broker = { root, directory, port: await freePort(), config, settings }
    const scenario = new Scenario(broker, step)
    try {
      await scenario.run()
    } finally {
      await scenario.end()
      removeTemporaryDirectory(directory)
    }
    total.acknowledged += acknowledgedBy(scenario.publishers)
    total.received += receivedBy(scenario.subscribers)
    total.broken.push(...scenario.broken.map((what) => `killed at step ${step}: ${what}`))
    if (!scenario.wasKilled) return total
    total.kills += 1
    total.steps = step
    if (total.broken.length > 0 || total.kills === most) return total
  }
}

/** Two subscribers, one of them away while four publishers publish. */
class Scenario implements Clients {
  publishers: Publisher[] = []
  subscribers: Subscriber[] = []
  readonly broken: string[] = []
  wasKilled = false
  readonly #broker: BrokerProcessOptions
  readonly #step: number
  #process: BrokerProcess | undefined
  #isOver = false

  constructor(broker: BrokerProcessOptions, step: number) {
    this.#broker = broker
    this.#step = step
  }

  async run(): Promise<void> {
    const settings = [...this.#broker.settings, `store.killAtStep=${this.#step}`]
    const first = await BrokerProcess.start({ ...this.#broker, settings })
    this.#process = first
    const restarted = this.#restartAfterKill(first)
    const failed = new Promise<never>((_resolve, reject) => {
      restarted.catch(reject)
    })
    await Promise.race([this.#play(), failed])
    if (this.broken.length === 0) await this.#checkRetained(restarted)
    this.#closeClients()
    this.#isOver = true
    // It writes what it has put off, and may reach its step by that.
    await this.#process.stop()
    await restarted
    if (this.wasKilled && this.#process === first) await this.#comeBack()
    if (this.broken.length === 0) checkStore(this.#broker.root, this.#broker.directory, this.broken)
  }

  async end(): Promise<void> {
    this.#closeClients()
    await this.#process?.stop()
  }

  /** Checks what the kill left, and starts the broker again, which goes on to the end. */
  async #restartAfterKill(first: BrokerProcess): Promise<void> {
    await first.ended()
    this.wasKilled = first.wasKilled
    if (this.#isOver) return
    if (!first.wasKilled) this.broken.push(`the broker ${first.crash}`)
    else {
      checkStore(this.#broker.root, this.#broker.directory, this.broken)
      this.#process = await BrokerProcess.start(this.#broker)
    }
  }

  /** It was killed while it stopped: the sessions must still be there, and the retained messages. */
  async #comeBack(): Promise<void> {
    checkStore(this.#broker.root, this.#broker.directory, this.broken)
    this.#process = await BrokerProcess.start(this.#broker)
    const clients = [...this.publishers, ...this.subscribers]
    for (const client of clients) client.open()
    const sinceMs = performance.now()
    while (!clients.every(({ isConnected }) => isConnected)) {
      if (performance.now() - sinceMs > WAIT.patienceMs) throw new Error('the clients cannot connect again')
      await after(WAIT.pollMs)
    }
    if (this.broken.length === 0) await checkRetained(this.#broker.port, this.#clients)
    this.#closeClients()
    await this.#process.stop()
  }

  async #play(): Promise<void> {
    const common = { port: this.#broker.port, broken: (what: string) => void this.broken.push(what) }
    const here = new Subscriber({ index: 0, protocolVersion: 5, ...common })
    const away = new Subscriber({ index: 1, protocolVersion: 4, ...common })
    this.subscribers = [here, away]
    await Promise.all(this.subscribers.map(({ subscribed }) => subscribed))
    away.close()
    this.publishers = [0, 1, 2, 3].map((index) => {
      const [qos, protocolVersion, retain] = [index % 2 === 0 ? 1 : 2, index < 2 ? 5 : 4, index < 2] as const
      return new Publisher({ index, qos, retain, protocolVersion, last: MESSAGES, window: WINDOW, ...common })
    })
    await settle({ ...this.#clients, subscribers: [here] }, WAIT)
    if (this.broken.length > 0) return
    away.open()
    await settle(this.#clients, WAIT)
  }

  /** The broker may reach its step meanwhile, by what it has put off. */
  async #checkRetained(restarted: Promise<void>): Promise<void> {
    const { port } = this.#broker
    const first = this.#process
    const broken: string[] = []
    await checkRetained(port, { ...this.#clients, broken })
    // A connection may be refused before it is known here that the process has ended.
    if (broken.length > 0) await Promise.race([first?.ended(), after(EXIT_MS)])
    if (broken.length > 0 && first?.wasKilled === true) {
      await restarted
      broken.length = 0
      await checkRetained(port, { ...this.#clients, broken })
    }
    this.broken.push(...broken)
  }

  get #clients(): Clients {
    return { publishers: this.publishers, subscribers: this.subscribers, broken: this.broken }
  }

  #closeClients(): void {
    for (const client of [...this.publishers, ...this.subscribers]) client.close()
  }
}
