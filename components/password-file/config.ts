import { z } from 'zod'

export const passwordFileConfig = z.strictObject({
  path: z
    .string()
    .min(1)
    .describe('The file: a user in each line, `name:hash`. If it does not exist, there are no users yet.'),
  maximumFileBytes: z
    .int()
    .min(1_024)
    .max(2 ** 30)
    .default(2 ** 24)
    .describe('The largest file that is read.'),
  maximumHashing: z
    .int()
    .min(1)
    .max(64)
    .default(2)
    .describe(
      'Passwords that are hashed at the same time, in the same threads as file operations. Each may need as much memory as ' +
        'its hash says: 32 MiB for those that `passwd` writes.',
    ),
  maximumQueued: z
    .int()
    .min(0)
    .max(1_000)
    .default(50)
    .describe(
      'Passwords that wait to be hashed. Beyond that clients are refused with Server busy (0x89). It should take less time to hash ' +
        'them than `connectDeadlineMs` of the handler.',
    ),
  cacheSeconds: z
    .int()
    .min(0)
    .max(86_400)
    .default(300)
    .describe('How long a password that was right is not hashed again. 0: it is hashed each time.'),
  maximumCached: z
    .int()
    .min(0)
    .max(1_000_000)
    .default(10_000)
    .describe('Passwords that are remembered in this way, some 200 bytes each. The oldest is removed first.'),
})

export type PasswordFileConfig = z.output<typeof passwordFileConfig>
