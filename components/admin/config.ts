import { z } from 'zod'

/** Where the API is. */
export const BASE_PATH = '/api/v1'

/** A token that is shorter could be guessed. */
export const MINIMUM_TOKEN_LENGTH = 16

/** What the header of a request can have as a token: visible characters of ASCII. */
export const TOKEN_FORM = /^[\x21-\x7e]*$/

const token = z
  .strictObject({
    name: z
      .string()
      .regex(/^[\w.@-]{1,64}$/)
      .describe('Who uses it, for the log: letters, digits, `_`, `.`, `@`, `-`.'),
    token: z
      .string()
      .min(MINIMUM_TOKEN_LENGTH)
      .max(1_024)
      .regex(TOKEN_FORM, 'has a space, or a character that is not ASCII: no header could have it')
      .optional()
      .describe('The token, at least 16 visible characters of ASCII.'),
    tokenFile: z.string().min(1).optional().describe('A file with the token, instead of `token`.'),
    readOnly: z.boolean().default(false).describe('Whether it may read and change nothing.'),
  })
  .refine((entry) => (entry.token === undefined) !== (entry.tokenFile === undefined), {
    message: 'needs either token or tokenFile',
  })

export const adminConfig = z
  .strictObject({
    tokenFile: z
      .string()
      .min(1)
      .nullable()
      .default('admin-token')
      .describe(
        'A file with a token that may do everything; its name is `admin`. If the file is missing, it is made with a new token and mode ' +
          '0600. `null`: only `tokens`.',
      ),
    tokens: z
      .array(token)
      .max(100)
      .default([])
      .describe('Further tokens: `{ name, token }` or `{ name, tokenFile }`, with `readOnly`.'),
    failedTokenRate: z
      .number()
      .positive()
      .max(1_000)
      .default(1)
      .describe('Requests with a wrong token of one address in a second, once its burst is used up. Then it gets 429.'),
    failedTokenBurst: z
      .int()
      .min(1)
      .max(10_000)
      .default(20)
      .describe('Requests with a wrong token of one address at once.'),
    maximumStreams: z
      .int()
      .min(2)
      .max(10_000)
      .default(16)
      .describe(
        'Event streams (`/events`) open at the same time; a further one gets 503. One token may have half of them; a further one gets 429.',
      ),
    maximumStreamBytes: z
      .int()
      .min(65_536)
      .max(64 * 1024 ** 2)
      .default(1024 ** 2)
      .describe('Bytes that wait for a client of an event stream. With more its stream is closed.'),
    maximumLists: z
      .int()
      .min(1)
      .max(1_000)
      .default(4)
      .describe(
        'Lists that are put together at the same time, over several turns of the event loop. A further one gets 503.',
      ),
  })
  .superRefine(({ tokenFile, tokens }, context) => {
    if (tokenFile === null && tokens.length === 0) {
      context.addIssue({ code: 'custom', path: ['tokens'], message: NO_TOKEN })
    }
    const names = new Set(tokenFile === null ? [] : [ADMIN])
    for (const [index, { name }] of tokens.entries()) {
      if (names.has(name))
        context.addIssue({ code: 'custom', path: ['tokens', index, 'name'], message: `${name} is used twice` })
      names.add(name)
    }
  })

/** The name of the token in `tokenFile`. */
export const ADMIN = 'admin'

const NO_TOKEN =
  "no token: the API could not be used. Remove tokenFile: null, and a token is made at the first start, or set tokens: [{ name: 'ops', " +
  "tokenFile: 'ops-token' }] and write a token of at least 16 characters to that file: openssl rand -base64 24 > ops-token"

export type AdminConfig = z.output<typeof adminConfig>
