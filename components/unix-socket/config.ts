import { z } from 'zod'
import { listenerOptions } from '../../src/kinds/listener-options.ts'
import { backlog } from '../../src/network/tcp-options.ts'

/** The operating system takes 107 bytes on Linux, 103 elsewhere. */
const MAXIMUM_PATH_BYTES = 107

export const unixSocketConfig = z.strictObject({
  path: z
    .string()
    .min(1)
    .refine((path) => Buffer.byteLength(path) <= MAXIMUM_PATH_BYTES && !path.includes('\0'), {
      message: `must have at most ${MAXIMUM_PATH_BYTES} bytes`,
    })
    .describe('The file of the socket. Its folder must exist.'),
  mode: z
    .string()
    .regex(/^0?[0-7]{3}$/, 'must be three octal digits, such as 660')
    .default('600')
    .describe(
      'Who may connect: the mode of the file in octal digits. `600`: the user of the broker; `660`: its group as well; `666`: all ' +
        'users of this machine.',
    ),
  backlog,
  ...listenerOptions,
})

export type UnixSocketConfig = z.output<typeof unixSocketConfig>
