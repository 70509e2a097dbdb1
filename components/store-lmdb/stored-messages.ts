import type { Logger } from '../../src/kinds/logger.ts'
import type { QueuedMessage } from '../../src/kinds/store.ts'
import { ByteReader } from './byte-writer.ts'
import type { StoreFile } from './environment.ts'
import { CHUNK_RECEIVERS, messageKey, readMessage, readReceivers } from './layout.ts'

/** A message of a queue as it is in the file. The rest is in the index. */
export type StoredMessage = Omit<QueuedMessage, 'sequence' | 'packetIdentifier' | 'pubrecOrder'>

/** Reads messages of queues from the file. */
export class StoredMessages {
  readonly #file: StoreFile
  readonly #log: Logger
  /** How many could not be read. */
  damaged = 0

  constructor(file: StoreFile, log: Logger) {
    this.#file = file
    this.#log = log
  }

  /**
   * @param id of the message. @param index of the receiver.
   * @returns undefined if it is damaged or not there. This is logged once, and counted.
   * @throws an Error while the file cannot be read at all.
   */
  read(id: number, index: number, session: string): StoredMessage | undefined {
    try {
      return readStored(this.#file, id, index)
    } catch (err) {
      if (!this.#file.isReadable) throw err
      this.damaged += 1
      if (this.damaged === 1) {
        this.#log.error(
          { err, session, message: id },
          `A message of ${session} could not be read from the store and was left out: ${(err as Error).message}`,
        )
      }
      return undefined
    }
  }
}

/**
 * Reads a message of a queue.
 * @param index of the receiver.
 * @throws an Error that says what is wrong when it is not in the file, or damaged.
 */
const readStored = (file: StoreFile, id: number, index: number): StoredMessage => {
  const reader = chunkOf(file, id, 0)
  let receivers = readReceivers(reader)
  const message = readMessage(reader)
  if (index >= CHUNK_RECEIVERS) receivers = readReceivers(chunkOf(file, id, Math.floor(index / CHUNK_RECEIVERS)))
  const receiver = receivers[index % CHUNK_RECEIVERS]
  if (receiver === undefined) throw new Error(`message ${id} has no receiver ${index}`)
  const { qos, retain, subscriptionIdentifiers, shared, queuedAtMs } = receiver
  return { message, qos, retain, subscriptionIdentifiers, shared, queuedAtMs }
}

const chunkOf = (file: StoreFile, id: number, chunk: number): ByteReader => {
  const value = file.get(messageKey(id, chunk))
  if (value === undefined) throw new Error(`message ${id} has no record ${chunk}`)
  return new ByteReader(value)
}
