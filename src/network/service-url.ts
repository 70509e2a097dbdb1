/** Addresses of services that the broker asks over HTTP. */

import { z } from 'zod'

/** Whether an address of a service names this machine, whatever the name servers say. */
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
