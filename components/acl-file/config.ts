import { z } from 'zod'

export const aclFileConfig = z.strictObject({
  file: z.string().min(1).describe('The path of an ACL file as mosquitto has it.'),
  watchIntervalMs: z
    .int()
    .min(100)
    .max(86_400_000)
    .default(5_000)
    .describe(
      'The interval at which the file is checked for changes, in milliseconds. A file that has changed is read again.',
    ),
  maximumBytes: z
    .int()
    .min(0)
    .max(1024 ** 3)
    .default(16 * 1024 ** 2)
    .describe('Bytes of the file. A larger file is refused, as one that cannot be read.'),
  maximumRules: z
    .int()
    .min(0)
    .max(10_000_000)
    .default(100_000)
    .describe('Lines of the file with `topic` or `pattern`. A file with more is refused.'),
})

export type AclFileConfig = z.output<typeof aclFileConfig>
