import { isIP } from 'node:net'

/** Which pages of browsers may connect. */
export interface OriginRule {
  /** The origins that are allowed; `*` is every one. Undefined: only pages of the same host. */
  readonly origins: readonly string[] | undefined
  /** Whether the connection has TLS, so that the browser has verified the name of the host. */
  readonly isSecure: boolean
}

/**
 * Whether the origin of a request is allowed. A browser sends the header Origin, and lets every page open a WebSocket to every
 * host. So a page of any site could use a broker that only this machine, or only this network, can reach. Other clients send no Origin.
 *
 * Without a list, pages of the same host are allowed. A name of a host proves nothing without TLS: its owner can have it lead to
 * 127.0.0.1 (DNS rebinding). So the host must then be an address or `localhost`.
 * @param origin the header Origin. @param host the header Host.
 */
export const isOriginAllowed = (
  origin: string | undefined,
  host: string | undefined,
  { origins, isSecure }: OriginRule,
): boolean => {
  if (origin === undefined) return true
  if (origins !== undefined) return origins.includes('*') || origins.includes(origin.toLowerCase())
  const page = hostNameOf(origin)
  const own = host === undefined ? undefined : hostNameOf(`http://${host}`)
  if (page === undefined || page !== own) return false
  return isSecure || page === 'localhost' || isIP(page.replace(/^\[|\]$/g, '')) !== 0
}

const hostNameOf = (url: string): string | undefined =>
  URL.canParse(url) ? new URL(url).hostname.toLowerCase() || undefined : undefined
