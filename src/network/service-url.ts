/** Addresses of services that the broker asks over HTTP, and headers of the requests. */

import { z } from 'zod'

/** Whether an address of a service is this machine. Name servers cannot change the answer. */
export const isLoopbackUrl = ({ hostname }: URL): boolean =>
  hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname)

/** The address of a service: `https:` or `http:`. It holds no secrets: it appears in the log. */
export const serviceUrl = z.string().transform((text, context): URL => {
  const fail = (message: string): never => {
    context.addIssue({ code: 'custom', message })
    return z.NEVER
  }
  if (!URL.canParse(text)) return fail('it is not a URL')
  const url = new URL(text)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return fail('it begins with neither https: nor http:')
  if (url.username !== '' || url.password !== '') return fail('it holds a user name or a password: use a header')
  return url
})

/** Headers that belong to a request itself. */
const OWN_HEADERS = ['content-type', 'content-length', 'transfer-encoding', 'connection', 'host', 'expect', 'upgrade']

const areHeaders = (headers: Readonly<Record<string, string>>): boolean => {
  try {
    const parsed = new Headers(headers)
    return !OWN_HEADERS.some((name) => parsed.has(name))
  } catch {
    return false
  }
}

/** Headers that an operator adds to the requests to a service, such as `authorization`. */
export const serviceHeaders = z
  .record(z.string(), z.string())
  .refine(areHeaders, 'a name or value is not allowed in HTTP, or is one that the broker sets')
