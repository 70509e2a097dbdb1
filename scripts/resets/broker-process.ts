import { join } from 'node:path'
import { Child } from '../../bench/brokers/child.ts'
import type { CheckoutCopy } from './checkout-copy.ts'
import type { BrokerRequest, ListenerPorts, Look, ResetResult } from './protocol.ts'

/** The broker of a copy, in a process of its own. */
export class BrokerProcess {
  readonly #child: Child
  readonly ports: ListenerPorts

  private constructor(child: Child, ports: ListenerPorts) {
    this.#child = child
    this.ports = ports
  }

  /** @throws Error when it does not start. */
  static async start({ root }: CheckoutCopy): Promise<BrokerProcess> {
    const args = ['--expose-gc', 'scripts/run.mjs', 'scripts/resets/broker.ts', join(root, 'resets.config.ts')]
    const child = new Child('the broker', process.execPath, args, { ipc: true, cwd: root })
    try {
      const { ports } = await child.message<{ ports: ListenerPorts }>()
      return new BrokerProcess(child, ports)
    } catch (error) {
      await child.stop()
      throw error
    }
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

  /** @throws Error when the process ends instead of answering. */
  #ask<T>(request: BrokerRequest): Promise<T> {
    const { process: broker } = this.#child
    return new Promise((resolve, reject) => {
      const ended = () => reject(new Error(`the broker ${this.#child.crash ?? 'ended'}\n${this.output.trim()}`))
      broker.once('exit', ended)
      broker.once('message', (answer) => {
        broker.off('exit', ended)
        resolve(answer as T)
      })
      broker.send(request)
    })
  }
}
