import { z } from 'zod'
import { isLoopbackUrl, serviceHeaders, serviceUrl } from '../../src/network/service-url.ts'

/** The algorithms that a token may be signed with, by the kind of key that checks it. */
const secretAlgorithms = ['HS256', 'HS384', 'HS512'] as const
const publicKeyAlgorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const

export type Algorithm = (typeof secretAlgorithms)[number] | (typeof publicKeyAlgorithms)[number]

const names = z.union([z.string().min(1), z.array(z.string().min(1)).min(1)])
const claim = z.string().min(1)

const claims = z.strictObject({
  userName: claim.default('sub').describe('The user name. Required in each token.'),
  clientId: claim
    .optional()
    .describe('If set: the claim that must be the Client Identifier. Required in each token then.'),
  isSuperuser: claim.default('is_superuser').describe('Whether no authorizer is asked.'),
  groups: claim.default('groups').describe('A group, or a list of them.'),
  clientAttributes: claim.default('client_attrs').describe('Texts by name, for `%{name}` in rules.'),
  acl: claim.default('acl').describe("Rules for this client, in EMQX's form."),
})

export const jwtConfig = z
  .strictObject({
    tokenIn: z
      .enum(['password', 'userName'])
      .default('password')
      .describe('The field of CONNECT that holds the token.'),
    algorithms: z
      .array(z.enum([...secretAlgorithms, ...publicKeyAlgorithms]))
      .min(1)
      .describe('The algorithms that tokens may be signed with. A token that names another one is refused.'),
    secret: z.string().min(1).optional().describe('The secret of HS256, HS384 and HS512.'),
    secretFile: z
      .string()
      .min(1)
      .optional()
      .describe('A file with the secret. A line break at its end is no part of it.'),
    secretIsBase64: z.boolean().default(false).describe('Whether the secret is written in base64 or base64url.'),
    publicKeyFile: z.string().min(1).optional().describe('A file with one public key or certificate, PEM.'),
    jwksFile: z.string().min(1).optional().describe('A file with public keys, a JSON Web Key Set.'),
    jwksUrl: serviceUrl
      .refine(
        (url) => url.protocol === 'https:' || isLoopbackUrl(url),
        'http: is allowed for this machine alone: use https:',
      )
      .optional()
      .describe('The address of a JSON Web Key Set.'),
    jwksHeaders: serviceHeaders.default({}).describe('Headers of the requests for it.'),
    jwksTimeoutMs: z.int().min(100).max(60_000).default(5_000).describe('How long an answer is awaited.'),
    jwksCacheSeconds: z
      .int()
      .min(1)
      .max(86_400)
      .default(600)
      .describe('How long keys are used before they are fetched again. A key that was removed is trusted until then.'),
    jwksCooldownSeconds: z
      .int()
      .min(1)
      .max(3_600)
      .default(30)
      .describe(
        'The time between two fetches for keys that are not known, and the time without a fetch after one that failed.',
      ),
    issuer: names.describe('The issuers (`iss`) that are trusted.'),
    audience: names.describe('The names of this broker: a token must be for one of them (`aud`).'),
    requireExpiry: z.boolean().default(true).describe('Whether a token must have `exp`.'),
    clockToleranceSeconds: z
      .int()
      .min(0)
      .max(300)
      .default(5)
      .describe('How far the clocks of the issuer and the broker may differ, for `exp` and `nbf`.'),
    disconnectAfterExpiry: z
      .boolean()
      .default(true)
      .describe('Whether the connection ends when its token expires: Maximum connect time (0xA0).'),
    userNameMustMatch: z
      .boolean()
      .default(false)
      .describe(
        'Whether the User Name of CONNECT, if there is one, must be that of the token. Otherwise it is ignored.',
      ),
    claims: claims.prefault({}).describe('Names of the claims that are used.'),
    maximumTokenBytes: z.int().min(256).max(65_535).default(8_192).describe('Longer tokens are refused.'),
    maximumVerifying: z
      .int()
      .min(1)
      .max(100_000)
      .default(5_000)
      .describe('Tokens that are checked at the same time. Beyond that clients are refused with Server busy (0x89).'),
  })
  .superRefine((config, context) => {
    const fail = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message })
    const sources = keySources.filter((source) => config[source] !== undefined)
    if (sources.length !== 1) {
      fail(sources[1] ?? 'secret', `give exactly one of ${keySources.join(', ')}: there are ${sources.length}`)
    }
    const isSecret = config.secret !== undefined || config.secretFile !== undefined
    // With one list for both, a public key, which is not secret, could be used as a secret.
    const wrong = config.algorithms.find((each) => isSecretAlgorithm(each) !== isSecret)
    if (sources.length === 1 && wrong !== undefined) {
      fail('algorithms', `${wrong} does not fit ${sources[0]}: it needs ${isSecret ? 'a public key' : 'a secret'}`)
    }
    if (config.tokenIn === 'userName' && config.userNameMustMatch) {
      fail('userNameMustMatch', 'the user name holds the token')
    }
  })

export type JwtConfig = z.output<typeof jwtConfig>

const keySources = ['secret', 'secretFile', 'publicKeyFile', 'jwksFile', 'jwksUrl'] as const

/** The key of these algorithms is a secret. */
export const isSecretAlgorithm = (algorithm: string): algorithm is (typeof secretAlgorithms)[number] =>
  (secretAlgorithms as readonly string[]).includes(algorithm)
