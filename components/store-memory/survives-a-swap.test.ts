import { Message } from '../../src/mqtt/message.ts'
import { survivesASwap } from '../../test/contract/survives-a-swap.ts'
import { RecordingLogger } from '../../test/helpers/recording-logger.ts'
import { queuedMessage, sessionRecord } from '../../test/helpers/store-records.ts'
import { memoryStore } from './index.ts'
import type { MemoryStore } from './memory-store.ts'

const message = Message.of({ topic: 'x', payload: Buffer.from('1') })

survivesASwap<MemoryStore, { logger: RecordingLogger }>('memoryStore', {
  component: memoryStore,
  config: {},
  dependencies: () => ({ logger: new RecordingLogger() }),
  history: [
    (store) => store.append({ type: 'session', session: sessionRecord({ id: 'a' }) }),
    (store) => store.append({ type: 'queued', session: 'a', queued: queuedMessage({ sequence: 3, message }) }),
    (store) => store.append({ type: 'retained', message }),
    (store) => store.append({ type: 'received', session: 'a', packetIdentifier: 7 }),
    (store) => store.append({ type: 'done', session: 'a', sequence: 3 }),
    (store) => store.append({ type: 'retained-removed', topic: 'x' }),
  ],
  observe: (store) => {
    const sessions = [...store.sessions].map(({ received, queue }) => [[...received], queue.count, queue.lastSequence])
    return [store.counts, sessions, [...store.retained].map(({ message: { topic } }) => topic)]
  },
})
