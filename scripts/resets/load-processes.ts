import { join } from 'node:path'
import { Child } from '../../bench/brokers/child.ts'
import { compile } from '../../bench/bundle.ts'
import type { ListenerPorts, LoadEvent, LoadPlan, LoadRequest, LoadResult } from './protocol.ts'

const transports = ['tcp', 'tls', 'ws'] as const

/** The part of the clients that send byte by byte. */
const byteClientShare = 0.03
/** At least one for each version and QoS, over each transport. */
const minimumByteClients = 9

/** The clients of a run, in a process for each transport. */
export class LoadProcesses {
  readonly #loads: readonly LoadProcess[]

  private constructor(loads: readonly LoadProcess[]) {
    this.#loads = loads
  }

  /** @throws Error when a client is refused. */
  static async begin(ports: ListenerPorts, clients: number, perSecond: number): Promise<LoadProcesses> {
    const directory = await compile({ load: 'scripts/resets/load.ts' })
    const loads = transports.map((transport) => {
      const share = Math.max(minimumByteClients * 2, Math.floor(clients / transports.length))
      const byteClients = Math.max(minimumByteClients, Math.floor(share * byteClientShare))
      return new LoadProcess(join(directory, 'load.mjs'), {
        ...{ host: '127.0.0.1', port: ports[transport], transport },
        ...{ pairs: Math.ceil((share - byteClients) / 2), byteClients, perSecond: perSecond / transports.length },
      })
    })
    // One after the other: handshakes of TLS have deadlines.
    for (const load of loads) await load.ready
    return new LoadProcesses(loads)
  }

  get clients(): number {
    return this.#loads.reduce((sum, { plan }) => sum + plan.pairs * 2 + plan.byteClients, 0)
  }

  /** Messages published until now, and faults that are known already. */
  get progress(): { readonly published: number; readonly faults: number } {
    const sum = (of: 'published' | 'faults') => this.#loads.reduce((total, load) => total + load[of], 0)
    return { published: sum('published'), faults: sum('faults') }
  }

  /** @throws Error when a process ended. */
  finish(): Promise<readonly LoadResult[]> {
    return Promise.all(this.#loads.map((load) => load.finish()))
  }

  async stop(): Promise<void> {
    await Promise.all(this.#loads.map((load) => load.stop()))
  }
}

class LoadProcess {
  readonly plan: LoadPlan
  readonly ready: Promise<void>
  published = 0
  faults = 0
  readonly #child: Child
  readonly #result: Promise<LoadResult>

  constructor(program: string, plan: LoadPlan) {
    this.plan = plan
    this.#child = new Child(`the load over ${plan.transport}`, process.execPath, [program], { ipc: true })
    const { process: load } = this.#child
    const [begun, finished] = [new Settler<void>(), new Settler<LoadResult>()]
    const fail = (reason: string) => {
      const error = new Error(`the load over ${plan.transport}: ${reason}`)
      begun.reject(error)
      finished.reject(error)
    }
    load.on('message', (event: LoadEvent) => {
      if (event.type === 'ready') begun.resolve()
      else if (event.type === 'progress') Object.assign(this, { published: event.published, faults: event.faults })
      else if (event.type === 'finished') finished.resolve(event.result)
      else fail(event.reason)
    })
    load.once('exit', () => fail(`it ended: ${this.#child.output.trim()}`))
    this.ready = begun.promise
    this.#result = finished.promise
    // They are awaited later.
    this.ready.catch(() => undefined)
    this.#result.catch(() => undefined)
    load.send({ type: 'begin', plan } satisfies LoadRequest)
  }

  finish(): Promise<LoadResult> {
    this.#child.process.send({ type: 'finish' } satisfies LoadRequest)
    return this.#result
  }

  stop(): Promise<void> {
    return this.#child.stop()
  }
}

/** A promise that is settled from outside. */
class Settler<T> {
  readonly promise: Promise<T>
  resolve!: (value: T) => void
  reject!: (error: Error) => void

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
  }
}
