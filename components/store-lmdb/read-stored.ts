import type { QueuedMessage } from '../../src/kinds/store.ts'
import { ByteReader } from './byte-writer.ts'
import type { StoreFile } from './environment.ts'
import { CHUNK_RECEIVERS, messageKey, readMessage, readReceivers } from './layout.ts'

/**
 * Reads a message of a queue.
 * @param index of the receiver.
 * @throws an Error that says what is wrong when it is not in the file, or damaged.
 */
export const readStored = (
  file: StoreFile,
  id: number,
  index: number,
): Omit<QueuedMessage, 'sequence' | 'packetIdentifier' | 'pubrecOrder'> => {
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
