/** A store of your own around another one: it logs which sessions begin and end. */
import { defineComponent, Logger, Store, type StoredSession, type StoreRecord } from 'mqtt-jig'
import { memoryStore } from 'mqtt-jig/components/store-memory'

class SessionAudit implements Store {
  readonly #store: Store
  readonly #log: Logger
  readonly #sessions = new Set<string>()

  constructor(store: Store, log: Logger) {
    this.#store = store
    this.#log = log
  }

  append(record: StoreRecord): void {
    if (record.type === 'session' && !this.#sessions.has(record.session.id)) {
      this.#sessions.add(record.session.id)
      this.#log.info({ clientId: record.session.id }, 'Session stored')
    } else if (record.type === 'session-ended' && this.#sessions.delete(record.session)) {
      this.#log.info({ clientId: record.session }, 'Session removed')
    }
    this.#store.append(record)
  }

  restore() {
    const { sessions, retained } = this.#store.restore()
    return { sessions: this.#noted(sessions), retained }
  }

  async *#noted(pages: AsyncIterable<readonly StoredSession[]>) {
    for await (const page of pages) {
      for (const { id } of page) this.#sessions.add(id)
      yield page
    }
  }

  read(session: string, afterSequence: number, limit: number) {
    return this.#store.read(session, afterSequence, limit)
  }

  get batch() {
    return this.#store.batch
  }

  get durableBatch() {
    return this.#store.durableBatch
  }

  get pressure() {
    return this.#store.pressure
  }

  onDurable(listener: () => void): void {
    this.#store.onDurable(listener)
  }
}

export const sessionAudit = defineComponent({
  provides: Store,
  needs: { logger: Logger },
  config: memoryStore.config,
  start: async (config, { logger }, context) =>
    new SessionAudit(await memoryStore.start(config, { logger }, context), logger),
})
