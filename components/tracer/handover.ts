import { z } from 'zod'
import type { TraceLine } from '../../src/kinds/tracer.ts'
import type { SuspendedTraces } from './local-tracer.ts'

const text = z.string().exactOptional()
const filter = z.object({ clientId: text, userName: text, address: text, topic: text })
const start = z.object({
  ...{ id: z.string(), filter, payloads: z.boolean(), maximumLines: z.int() },
  ...{ startedAtMs: z.number(), endsAtMs: z.number() },
})
const line = z.custom<TraceLine>((value) => z.object({ number: z.int(), text: z.string() }).safeParse(value).success)
const suspended = z.object({ lastId: z.int(), traces: z.array(z.object({ start, lines: z.array(line) })) })

/** Reads what the predecessor left, which may be another version of the code. @returns undefined if it is of no use. */
export const readHandover = (value: unknown): SuspendedTraces | undefined => suspended.safeParse(value).data
