import { z } from 'zod'

const number = z.number().min(0)
const handover = z.object({
  startedMs: z.number(),
  maximumClients: number,
  maximumHeapBytes: number,
  loads: z.map(z.string(), z.array(number).readonly()),
})

/** What goes to the successor at a reset: numbers over a time that the reset does not end. */
export type SysTopicsHandover = z.output<typeof handover>

/** Reads what the predecessor left, which may be another version of the code. @returns undefined if it is of no use. */
export const readHandover = (value: unknown): SysTopicsHandover | undefined => handover.safeParse(value).data
