import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { ClientError } from './client-error.ts'

/** A payload that is read while it is sent, as often as the message is sent. */
export interface StreamedPayload {
  readonly length: number
  open(): AsyncIterable<Buffer>
}

export type Payload = Uint8Array | StreamedPayload

export const isStreamed = (payload: Payload): payload is StreamedPayload => !(payload instanceof Uint8Array)

/** The content of a file. It is never in memory as a whole. @throws ClientError with the code PAYLOAD. */
export const filePayload = async (path: string): Promise<StreamedPayload> => {
  try {
    const stats = await stat(path)
    if (!stats.isFile()) throw new Error('it is not a file')
    return { length: stats.size, open: () => createReadStream(path) as AsyncIterable<Buffer> }
  } catch (error) {
    throw new ClientError('PAYLOAD', `${path} cannot be read: ${(error as Error).message}`, { cause: error })
  }
}
