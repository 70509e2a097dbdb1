import { Client } from './client.ts'
import { encodeSubscribe, encodeUnsubscribe, PacketType } from './packets.ts'

/** How often churning clients send, in milliseconds. */
const turnMs = 10
/** Filters that a client keeps before it unsubscribes from the first. */
const heldFilters = 50

/** Subscribes to new filters, every second with a wildcard, and unsubscribes from them later. */
export class ChurnClient extends Client {
  /** Packets sent and not answered yet. */
  unanswered = 0
  #name = ''
  #operations = 0

  async begin(name: string): Promise<void> {
    this.#name = name
    await this.connect(name)
  }

  /** Sends so many packets, SUBSCRIBE and UNSUBSCRIBE in turn, in one write. */
  operate(count: number): void {
    const packets = Array.from({ length: count }, () => this.#operation())
    this.unanswered += count
    this.socket.write(Buffer.concat(packets))
  }

  override other(type: number, body: Buffer): void {
    if (type !== PacketType.SUBACK && type !== PacketType.UNSUBACK) {
      super.other(type, body)
      return
    }
    this.unanswered -= 1
    if (type === PacketType.SUBACK && body.at(-1)! >= 0x80) this.meter.faults.wrongAcknowledgements += 1
  }

  #operation(): Buffer {
    const operation = this.#operations++
    const id = 1 + (operation % 65_535)
    const step = operation >> 1
    const isSubscribe = operation % 2 === 0 || step < heldFilters
    return isSubscribe
      ? encodeSubscribe(id, [this.#filter(operation)], 0, this.version)
      : encodeUnsubscribe(id, [this.#filter(operation - 2 * heldFilters + 1)], this.version)
  }

  #filter(operation: number): string {
    return operation % 4 === 0 ? `churn/${this.#name}/+/${operation}` : `churn/${this.#name}/state/${operation}`
  }
}

/** Lets clients churn at a rate. @returns a function that ends it. */
export const startChurn = (clients: readonly ChurnClient[], perSecond: number): (() => void) => {
  const startMs = performance.now()
  let done = 0
  let next = 0
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - startMs) * perSecond) / 1000) - done
    done += due
    const each = Math.ceil(due / clients.length)
    for (let rest = due; rest > 0; rest -= each) clients[next++ % clients.length]!.operate(Math.min(each, rest))
  }, turnMs)
  return () => clearInterval(timer)
}
