import { z } from 'zod'
import { messageFromPlain, plainRecords, sessionFromPlain, sourceFromPlain } from '../../../src/kinds/plain-records.ts'
import type { RetainedSource, StoreRecord } from '../../../src/kinds/store.ts'
import type { OpenStore } from '../open-store.ts'
import { EXPORT_NAME, EXPORT_VERSION } from './export.ts'
import type { Progress } from './rows.ts'

/**
 * Writes an export into an empty store.
 * @returns how many lines there were.
 * @throws an Error that names the line that cannot be read.
 */
export const importLines = async (
  lines: AsyncIterable<string>,
  store: OpenStore,
  progress: Progress,
): Promise<number> => {
  let number = 0
  const sources = new Map<string, RetainedSource>()
  for await (const text of lines) {
    number += 1
    if (number > 1 && text === '') continue
    try {
      const parsed: unknown = JSON.parse(text)
      if (number === 1) head.parse(parsed)
      else for (const record of recordsOf(line.parse(parsed), sources)) store.append(record)
    } catch (cause) {
      const [reason] = (cause as Error).message.split('\n')
      throw new Error(`line ${number} cannot be read: ${reason}`, { cause })
    }
    if (number % LINES_AT_ONCE === 0) await store.flush()
    progress(number)
  }
  if (number === 0) throw new Error('there is no line')
  await store.flush()
  return number
}

const head = z.object({
  export: z.literal(EXPORT_NAME, 'it is no export of a store'),
  version: z.literal(EXPORT_VERSION, `it is of another version than ${EXPORT_VERSION}`),
})

const base64 = z.base64().transform((text) => Buffer.from(text, 'base64'))
const message = plainRecords.message
  .extend({ topic: base64, properties: base64, payload: base64 })
  .transform((plain) => messageFromPlain(plain))

const receiver = plainRecords.queued.omit({ message: true }).extend({ session: z.string() })

const line = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('session'), session: plainRecords.session, will: message.nullable() }),
  z.strictObject({ type: z.literal('subscribed'), session: z.string(), subscription: plainRecords.subscription }),
  z.strictObject({ type: z.literal('received'), session: z.string(), packetIdentifier: plainRecords.packetIdentifier }),
  z.strictObject({ type: z.literal('retained'), message, source: plainRecords.source.optional() }),
  z.strictObject({ type: z.literal('queued'), message, receivers: z.array(receiver) }),
])

/** @param sources by their text: equal publishers are one object, which the store keeps once. */
const recordsOf = (found: z.output<typeof line>, sources: Map<string, RetainedSource>): StoreRecord[] => {
  switch (found.type) {
    case 'session': {
      const { will } = found
      const session = sessionFromPlain(found.session, () => {
        if (will === null) throw new Error('its Will has no message')
        return will
      })
      return [{ type: 'session', session }]
    }
    case 'queued':
      return found.receivers.map(({ session, shared, ...queued }) => ({
        type: 'queued',
        session,
        queued: { ...queued, message: found.message, shared: shared ?? undefined },
      }))
    case 'retained': {
      const { type, message: retained, source: plain } = found
      if (plain === undefined) return [{ type, message: retained }]
      const text = JSON.stringify(plain)
      const source = sources.get(text) ?? sourceFromPlain(plain)
      sources.set(text, source)
      return [{ type, message: retained, source }]
    }
    default:
      return [found]
  }
}

const LINES_AT_ONCE = 1_000
