import { join } from 'node:path'
import { Child } from '../../bench/brokers/child.ts'
import type { CheckoutCopy } from './checkout-copy.ts'
import type { BrokerRequest, ListenerPorts, Look, ResetResult } from './protocol.ts'

/** The broker of a copy, in a process of its own. */
export class BrokerProcess {
  readonly #child: Child
  #ports: ListenerPorts = { tcp: 0, tls: 0, ws: 0 }

  private constructor(child: Child) {
    this.#child = child
  }

  /** @throws Error when it does not start. */
  static async start({ root }: CheckoutCopy): Promise<BrokerProcess> {
    const args = ['--expose-gc', 'scripts/run.mjs', 'scripts/resets/broker.ts', join(root, 'resets.config.ts')]
    const child = new Child('the broker', process.execPath, args, { ipc: true, cwd: root })
    const broker = new BrokerProcess(child)
    try {
      broker.#ports = (await broker.#answer<{ ports: ListenerPorts }>()).ports
      return broker
    } catch (error) {
      await child.stop()
      throw error
    }
  }

  get ports(): ListenerPorts {
    return this.#ports
  }

  get output(): string {
    return this.#child.output
  }

  reset(fault?: Extract<BrokerRequest, { type: 'reset' }>['fault']): Promise<ResetResult> {
    return this.#ask({ type: 'reset', fault })
  }

  look({ collect = false } = {}): Promise<Look> {
    return this.#ask({ type: 'look', collect })
  }

  /** Connects clients without sockets. */
  crowd(sessions: number): Promise<Look> {
    return this.#ask({ type: 'crowd', sessions })
  }

  async stop(): Promise<void> {
    if (this.#child.process.connected) this.#child.process.send({ type: 'stop' } satisfies BrokerRequest)
    await this.#child.stop()
  }

  #ask<T>(request: BrokerRequest): Promise<T> {
    const answer = this.#answer<T>()
    this.#child.process.send(request)
    return answer
  }

  /** The next message of the process. @throws Error when it ends instead. */
  #answer<T>(): Promise<T> {
    const { process: broker } = this.#child
    return new Promise((resolve, reject) => {
      const ended = () => reject(new Error(`the broker ${this.#child.crash ?? 'ended'}\n${this.output.trim()}`))
      broker.once('exit', ended)
      broker.once('message', (answer) => {
        broker.off('exit', ended)
        resolve(answer as T)
      })
    })
  }
}
