import { z } from 'zod'

export const storeLmdbConfig = z.strictObject({
  path: z.string().min(1).default('data').describe('The directory of the data. It is made if there is none.'),
  durability: z
    .literal(['commit', 'buffered'])
    .default('commit')
    .describe(
      '`commit`: an acknowledgement is sent when what it promises is on the disk. `buffered`: it is sent at once, and a crash loses what was acknowledged in the last `bufferedMs`.',
    ),
  bufferedMs: z
    .int()
    .min(1)
    .max(3_600_000)
    .default(1_000)
    .describe('How long records wait before they are written, in milliseconds, with the durability `buffered`.'),
  maximumPendingBytes: z
    .int()
    .min(1)
    .max(1024 ** 4)
    .default(16 * 1024 ** 2)
    .describe('Bytes that wait to be written. Above it the broker takes less from clients whose answers wait.'),
  minimumFreeBytes: z
    .int()
    .min(0)
    .max(1024 ** 4)
    .default(16 * 1024 ** 2)
    .describe(
      'Space that stays free on the disk. With less, the store writes nothing but removals, as if the disk were full, until there is more.',
    ),
  mapSize: z
    .int()
    .min(1024 ** 2)
    .max(1024 ** 4)
    .default(1024 ** 3)
    .describe('Addresses that are reserved for the file at the start, in bytes. It grows beyond by itself.'),
})

export type StoreLmdbConfig = z.output<typeof storeLmdbConfig>
