import type { Message } from './message.ts'

/** Provisional: replaced by the tree when that is merged. */
export class RetainedMessages {
  readonly #messages = new Map<string, Message>()
  readonly #limits: { maximumMessages: number; maximumBytes: number }
  bytes = 0
  constructor(limits: { maximumMessages: number; maximumBytes: number }) {
    this.#limits = limits
  }
  get count(): number {
    return this.#messages.size
  }
  get(topic: string): Message | undefined {
    return this.#messages.get(topic)
  }
  set(message: Message): boolean {
    const before = this.get(message.topic)
    if (before === undefined && this.count >= this.#limits.maximumMessages) return false
    if (this.bytes + message.size - (before?.size ?? 0) > this.#limits.maximumBytes) return false
    this.bytes += message.size - (before?.size ?? 0)
    this.#messages.set(message.topic, message)
    return true
  }
  delete(topic: string): boolean {
    this.bytes -= this.get(topic)?.size ?? 0
    return this.#messages.delete(topic)
  }
  match(filter: string, _nowMs: number): string[] {
    const parts = filter.split('/')
    const matches = (topic: string) => {
      if (topic.startsWith('$') && /^[+#]/.test(filter)) return false
      const levels = topic.split('/')
      for (let i = 0; i < parts.length; i++) {
        if (parts[i] === '#') return true
        if (i >= levels.length || (parts[i] !== '+' && parts[i] !== levels[i])) return false
      }
      return parts.length === levels.length
    }
    return [...this.#messages.keys()].filter(matches)
  }
  sweep(nowMs: number): string[] {
    const gone = [...this.#messages.values()].filter((m) => m.expiresAtMs <= nowMs).map((m) => m.topic)
    for (const topic of gone) this.delete(topic)
    return gone
  }
}
