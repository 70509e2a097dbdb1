import { z } from 'zod'

export const serverConfig = z.strictObject({
  host: z
    .string()
    .min(1)
    .default('127.0.0.1')
    .describe('The address to listen on. `0.0.0.0` and `::` open the broker to the network; the default does not.'),
  port: z.int().min(0).max(65_535).default(1883).describe('The TCP port; 0 lets the operating system choose one.'),
  backlog: z
    .int()
    .min(1)
    .max(65_535)
    .default(1024)
    .describe('Connections that may wait to be accepted; the operating system may allow fewer.'),
  tcpKeepAliveMs: z
    .int()
    .min(0)
    .max(7_200_000)
    .default(60_000)
    .describe('Silence after which TCP itself asks whether the peer is there, in milliseconds; 0 never asks.'),
  maximumConnections: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(50_000)
    .describe(
      'Connections open at the same time. Those beyond are closed, counted and logged when no place becomes free within some turns.',
    ),
  turnWorkUnits: z
    .int()
    .min(1_000)
    .max(10_000_000)
    .default(50_000)
    .describe(
      'Work that the packets of all clients may cause in one turn of the event loop, in units of about 0.2 µs; the rest ' +
        'waits for later turns, first come, first served.',
    ),
  maximumPendingBytes: z
    .int()
    .min(1024)
    .max(1024 ** 3)
    .default(1024 ** 2)
    .describe(
      'Bytes waiting for a slow peer that make its connection congested; with twice as many nothing is read from it.',
    ),
  maximumTotalPendingBytes: z
    .int()
    .min(1024)
    .max(1024 ** 4)
    .default(256 * 1024 ** 2)
    .describe(
      'Bytes waiting for all peers together; beyond it nothing more is read from those who publish, until half of it is left.',
    ),
  stalledDeadlineMs: z
    .int()
    .min(10)
    .max(600_000)
    .default(5_000)
    .describe(
      'How long publishers wait for that, in milliseconds. Then connections are cut off until half is left: first those ' +
        'whose peer took nothing in that time, then those with most to send.',
    ),
  minimumStalledDeadlineMs: z
    .int()
    .min(10)
    .max(600_000)
    .default(100)
    .describe(
      'Each time that it happens again within a minute, publishers wait half as long, but at least this long, in milliseconds.',
    ),
  closeDeadlineMs: z
    .int()
    .min(1)
    .max(60_000)
    .default(2_000)
    .describe('How long a peer may take to close its side of a connection that we closed, in milliseconds.'),
})

export type ServerConfig = z.output<typeof serverConfig>
