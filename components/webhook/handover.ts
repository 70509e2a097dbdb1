import { z } from 'zod'

const schema = z.strictObject({
  /** Under way: they keep their identifier, since the service may have them. */
  batches: z.array(z.strictObject({ id: z.string(), events: z.array(z.string()), bytes: z.int().min(0) })),
  waiting: z.array(z.string()),
})

/** The events that a webhook has not sent, for its successor after a reset. */
export type Handover = z.output<typeof schema>

/** Reads what the predecessor left, which may be another version of the code. @returns undefined if it is of no use. */
export const readHandover = (suspended: unknown): Handover | undefined => schema.safeParse(suspended).data
