import { z } from 'zod'

/** Values of every listener whose connections begin with a handshake. Spread them into its schema. */
export const handshakeOptions = {
  maximumHandshakes: z
    .int()
    .min(1)
    .max(100_000)
    .default(1_000)
    .describe(
      'Connections of this listener that may be in their handshake at the same time. Of more, the oldest of the address that has most is ' +
        'closed, or the new one.',
    ),
  handshakeDeadlineMs: z
    .int()
    .min(1)
    .max(600_000)
    .default(10_000)
    .describe('Time for the handshake of a connection, in milliseconds. Bytes that arrive do not prolong it.'),
}
