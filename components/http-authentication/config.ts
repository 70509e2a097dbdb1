import { z } from 'zod'
import { isLoopbackUrl, serviceHeaders, serviceUrl } from '../../src/network/service-url.ts'
import { problemOfTemplate } from './request-template.ts'

const templateValue = z.union([z.string(), z.number(), z.boolean()])

export const httpAuthenticationConfig = z
  .strictObject({
    url: serviceUrl.describe(
      'The address that is asked, `https:`. `http:` is for this machine, or needs `allowPlainHttp`.',
    ),
    allowPlainHttp: z
      .boolean()
      .default(false)
      .describe('Whether `http:` may lead to another machine. Passwords are then sent unencrypted.'),
    headers: serviceHeaders.default({}).describe('Headers of each request, such as `authorization`.'),
    body: z
      .record(z.string(), templateValue)
      .superRefine((template, context) => {
        const problem = problemOfTemplate(template)
        if (problem !== undefined) context.addIssue({ code: 'custom', message: problem })
      })
      .default({
        clientid: `$\{clientid}`,
        username: `$\{username}`,
        password: `$\{password}`,
        peerhost: `$\{peerhost}`,
      })
      .describe('The JSON object that is sent. Placeholders in its texts are replaced.'),
    withoutCredentials: z
      .boolean()
      .default(false)
      .describe(
        'Whether the service is asked about clients that send no user name and no password. If not, they are passed on.',
      ),
    timeoutMs: z
      .int()
      .min(100)
      .max(60_000)
      .default(5_000)
      .describe(
        'How long an answer is awaited, in milliseconds. It should be less than `connectDeadlineMs` of the handler.',
      ),
    maximumAnswerBytes: z.int().min(256).max(1_048_576).default(65_536).describe('The largest answer that is read.'),
    maximumRequests: z.int().min(1).max(1_000).default(32).describe('Requests at the same time.'),
    maximumQueued: z
      .int()
      .min(0)
      .max(10_000)
      .default(1_000)
      .describe('Clients that wait for a request. Beyond that clients are refused with Server busy (0x89).'),
    cacheSeconds: z
      .int()
      .min(0)
      .max(86_400)
      .default(60)
      .describe('How long an answer that allowed a client is used again for the same client. 0: it is not.'),
    negativeCacheSeconds: z
      .int()
      .min(0)
      .max(3_600)
      .default(5)
      .describe('The same for an answer that denied or ignored a client.'),
    maximumCached: z
      .int()
      .min(0)
      .max(1_000_000)
      .default(10_000)
      .describe('Answers that are kept, of each of the two kinds.'),
    maximumCachedBytes: z
      .int()
      .min(0)
      .max(2 ** 30)
      .default(16_777_216)
      .describe('Their approximate size together, of each of the two kinds. The oldest are removed first.'),
    breakerFailures: z
      .int()
      .min(1)
      .max(10_000)
      .default(5)
      .describe('After so many failures in a row the service is not asked for a while: clients are refused at once.'),
    breakerSeconds: z
      .int()
      .min(1)
      .max(3_600)
      .default(10)
      .describe('How long. Then the service is asked about one client. If it answers, it is used again.'),
  })
  .superRefine(({ url, allowPlainHttp }, context) => {
    if (url.protocol === 'https:' || isLoopbackUrl(url) || allowPlainHttp) return
    const message = 'passwords could be read on the way: use https:, or set allowPlainHttp'
    context.addIssue({ code: 'custom', path: ['url'], message })
  })

export type HttpAuthenticationConfig = z.output<typeof httpAuthenticationConfig>
