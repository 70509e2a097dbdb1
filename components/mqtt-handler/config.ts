import { z } from 'zod'

export const handlerConfig = z.strictObject({
  connectDeadlineMs: z
    .int()
    .min(100)
    .max(600_000)
    .default(10_000)
    .describe('How long a new connection may take to send its CONNECT packet, in milliseconds.'),
  maximumTopicLevels: z
    .int()
    .min(1)
    .max(65_536)
    .default(128)
    .describe('Levels that a Topic Filter may have; one with more is refused, since each level costs memory.'),
  maximumFilterLength: z
    .int()
    .min(1)
    // V8 hashes longer strings by their length alone: look-ups among many of the same length would compare them all.
    .max(16_383)
    .default(4_096)
    .describe('Characters that a Topic Filter may have; a longer one is refused.'),
  maximumSubscriptions: z
    .int()
    .min(1)
    .max(10_000_000)
    .default(10_000)
    .describe('Subscriptions that one client may hold; those beyond are refused.'),
})

export type HandlerConfig = z.output<typeof handlerConfig>
