/**
 * The process of the well-behaved client. It sends PINGREQ every 20 ms without waiting for the last answer, so that a long
 * delay counts for all requests in that time. A second connection publishes at QoS 1.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { PacketType, pingreq } from '../../bench/generator/packets.ts'
import { encodePublish, FloodClient } from './flood-client.ts'
import type { WitnessFigures, WitnessReport, WitnessRequest } from './messages.ts'

const PING_INTERVAL_MS = 20
const PUBLISH_INTERVAL_MS = 100
/** How long the end waits for answers, in milliseconds. */
const ANSWER_DEADLINE_MS = 60_000
/** The maximum number of recorded times: more than are sent in any run. */
const MAXIMUM_TIMES = 100_000

/** Requests on one connection that are answered in their order, and their round trips. */
class RoundTrips {
  readonly #client: FloodClient
  readonly #sentMs: number[] = []
  #answered = 0
  readonly times: number[] = []

  constructor(client: FloodClient, answer: number) {
    this.#client = client
    client.onPacket = (type) => {
      if (type !== answer) return
      this.times.push(performance.now() - this.#sentMs[this.#answered]!)
      this.#answered += 1
    }
  }

  get outstanding(): number {
    return this.#sentMs.length - this.#answered
  }

  send(packet: Uint8Array): void {
    if (this.#sentMs.length >= MAXIMUM_TIMES || this.#client.closed) return
    this.#sentMs.push(performance.now())
    this.#client.send(packet)
  }

  /**
   * Waits until all requests are answered. Unanswered requests count with the time that has passed. @returns the number of
   * unanswered requests.
   */
  async end(): Promise<number> {
    const deadline = performance.now() + ANSWER_DEADLINE_MS
    while (this.outstanding > 0 && !this.#client.closed && performance.now() < deadline) {
      await sleep(5)
    }
    for (const sentMs of this.#sentMs.slice(this.#answered)) this.times.push(performance.now() - sentMs)
    return this.outstanding
  }
}

/** Begins to watch a broker. @returns what ends it and gives the figures. */
const watch = async (port: number): Promise<() => Promise<WitnessFigures>> => {
  const clients = [await FloodClient.connect(port), await FloodClient.connect(port)] as const
  const pings = new RoundTrips(clients[0], PacketType.PINGRESP)
  const publishes = new RoundTrips(clients[1], PacketType.PUBACK)
  const message = encodePublish('witness', { qos: 1, id: 1 })
  let ownDelay = 0
  let lastMs = performance.now()
  const pingTimer = setInterval(() => {
    const nowMs = performance.now()
    ownDelay = Math.max(ownDelay, nowMs - lastMs - PING_INTERVAL_MS)
    lastMs = nowMs
    pings.send(pingreq)
  }, PING_INTERVAL_MS)
  const publishTimer = setInterval(() => publishes.send(message), PUBLISH_INTERVAL_MS)
  return async () => {
    clearInterval(pingTimer)
    clearInterval(publishTimer)
    const unanswered = await pings.end()
    await publishes.end()
    for (const client of clients) client.destroy()
    const sorted = pings.times.toSorted((a, b) => a - b)
    const at = (part: number) => sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? 0
    const worstPublish = publishes.times.reduce((worst, time) => Math.max(worst, time), 0)
    return { pings: sorted.length, unanswered, p50: at(0.5), p99: at(0.99), worst: at(1), worstPublish, ownDelay }
  }
}

const tell = (report: WitnessReport): void => {
  process.send?.(report)
}

let end: (() => Promise<WitnessFigures>) | undefined
process.on('message', async (request: WitnessRequest) => {
  try {
    if (request.type === 'begin') {
      end = await watch(request.port)
      tell({ type: 'begun' })
    } else {
      const figures = await end?.()
      if (figures !== undefined) tell({ type: 'ended', ...figures })
    }
  } catch (error) {
    tell({ type: 'failed', reason: error instanceof Error ? error.message : String(error) })
  }
})
process.once('disconnect', () => process.exit(0))
