/**
 * The process of the well-behaved clients. Each sends PINGREQ four times a second, without waiting for the last answer, so that a long
 * delay counts for all pings in that time. It publishes at QoS 1 twice a second, and receives what another one publishes.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import type { ListenerName, Targets } from './attack.ts'
import { GoodClient } from './good-client.ts'
import type { CrowdFigures, CrowdReport, CrowdRequest, CrowdResult } from './messages.ts'

const TICK_MS = 10
/** Every client pings once in so many ticks, and publishes once in so many. */
const PING_TICKS = 25
const PUBLISH_TICKS = 50
/** How long the end waits for what is under way, in milliseconds. */
const SETTLE_DEADLINE_MS = 60_000

/** The listeners of the clients, in turn: as many use TCP as all others together. */
const listeners: readonly ListenerName[] = ['server', 'tls', 'server', 'ws', 'server', 'wss', 'server', 'unix']

class Crowd {
  readonly #clients: GoodClient[] = []
  #timer: NodeJS.Timeout | undefined
  #tick = 0
  #lastMs = 0
  #ownDelay = 0

  async connect(targets: Targets, count: number): Promise<void> {
    for (let number = 0; number < count; number += 1) {
      const client = new GoodClient(number)
      this.#clients.push(client)
      await client.connect(targets[listeners[number % listeners.length]!], (number + 1) % count)
    }
    this.#lastMs = performance.now()
    this.#timer = setInterval(() => this.#send(), TICK_MS)
  }

  figures(): CrowdFigures {
    const sorted = this.#clients.flatMap((client) => client.takePingTimes()).sort((a, b) => a - b)
    const at = (part: number) => sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? 0
    const ownDelay = this.#ownDelay
    this.#ownDelay = 0
    return { pings: sorted.length, p99: at(0.99), worst: at(1), ownDelay }
  }

  async settle(): Promise<CrowdResult> {
    clearInterval(this.#timer)
    const deadline = performance.now() + SETTLE_DEADLINE_MS
    while (!this.#isSettled && performance.now() < deadline) await sleep(TICK_MS)
    const endings = this.#clients.flatMap(({ ending }) => (ending === undefined ? [] : [ending]))
    const acknowledged = this.#clients.reduce((sum, { confirmed }) => sum + confirmed.size, 0)
    const result = { acknowledged, lost: this.#lost, unanswered: this.#unanswered, endings }
    for (const client of this.#clients) client.destroy()
    return result
  }

  get #isSettled(): boolean {
    return this.#unanswered === 0 && this.#lost === 0
  }

  get #unanswered(): number {
    return this.#clients.reduce((sum, { inFlight, unansweredPings }) => sum + inFlight + unansweredPings, 0)
  }

  /** Each client receives what the one after it publishes. */
  get #lost(): number {
    let lost = 0
    for (const [number, { received }] of this.#clients.entries()) {
      const publisher = this.#clients[(number + 1) % this.#clients.length]!
      for (const sequence of publisher.confirmed) if (!received.has(sequence)) lost += 1
    }
    return lost
  }

  #send(): void {
    const nowMs = performance.now()
    this.#ownDelay = Math.max(this.#ownDelay, nowMs - this.#lastMs - TICK_MS)
    this.#lastMs = nowMs
    this.#tick += 1
    for (const [number, client] of this.#clients.entries()) {
      if ((this.#tick + number) % PING_TICKS === 0) client.ping()
      if ((this.#tick + number) % PUBLISH_TICKS === 0) client.publish()
    }
  }
}

const crowd = new Crowd()

const answer = async (request: CrowdRequest): Promise<CrowdReport> => {
  switch (request.type) {
    case 'connect':
      await crowd.connect(request.targets, request.clients)
      return { type: 'connected' }
    case 'figures':
      return { type: 'figures', ...crowd.figures() }
    case 'settle':
      return { type: 'settled', ...(await crowd.settle()) }
  }
}

process.on('message', async (request: CrowdRequest) => {
  let report: CrowdReport
  try {
    report = await answer(request)
  } catch (error) {
    report = { type: 'failed', reason: `a well-behaved client failed: ${(error as Error).message}` }
  }
  process.send?.(report)
})
process.once('disconnect', () => process.exit(0))
