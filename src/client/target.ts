/** Where a broker listens, and how a client gets there. */

/** Files and choices of TLS. Contents are PEM. */
export interface TlsOptions {
  readonly ca?: string | undefined
  readonly cert?: string | undefined
  readonly key?: string | undefined
  /** Accepts any certificate. */
  readonly insecure?: boolean | undefined
  /** The name that the certificate has to have, unless it is that of the host. */
  readonly serverName?: string | undefined
}

export type Target =
  | { readonly transport: 'tcp'; readonly host: string; readonly port: number }
  | { readonly transport: 'tls'; readonly host: string; readonly port: number; readonly tls: TlsOptions }
  | { readonly transport: 'ws'; readonly url: string; readonly tls?: TlsOptions | undefined }
  | { readonly transport: 'unix'; readonly path: string }

/** What a URL of a broker says. */
export interface BrokerUrl {
  readonly scheme: 'mqtt' | 'mqtts' | 'ws' | 'wss' | 'unix'
  readonly host: string
  /** The default of the scheme if the URL names none. */
  readonly port: number
  /** Of `ws` and `wss`: the path of the WebSocket, `/mqtt` unless it is named. Of `unix`: the path of the socket. */
  readonly path: string
  readonly userName: string | undefined
  readonly password: string | undefined
  /** Of `mqtt` and `mqtts`: the topic behind the host, as mosquitto_pub has it. */
  readonly topic: string | undefined
}

const DEFAULT_PORTS = { mqtt: 1883, mqtts: 8883, ws: 80, wss: 443, unix: 0 } as const
const ALIASES: Readonly<Record<string, BrokerUrl['scheme']>> = { tcp: 'mqtt', ssl: 'mqtts', tls: 'mqtts' }

/**
 * Reads a URL: `mqtt://user:password@host:1883/topic`, `mqtts://`, `ws://host/path`, `wss://`, `unix:///path`.
 * @returns undefined when it is no such URL.
 */
export const parseBrokerUrl = (text: string): BrokerUrl | undefined => {
  const [, named = '', rest = ''] = text.match(/^([a-z]+):\/\/(.*)$/is) ?? []
  const lower = named.toLowerCase()
  const scheme = ALIASES[lower] ?? (lower as BrokerUrl['scheme'])
  if (!Object.hasOwn(DEFAULT_PORTS, scheme)) return undefined
  const none = { userName: undefined, password: undefined, topic: undefined }
  if (scheme === 'unix') return rest === '' ? undefined : { scheme, host: '', port: 0, path: rest, ...none }
  // Only special schemes have the rules for hosts that are wanted here.
  if (!URL.canParse(`http://${rest}`)) return undefined
  const url = new URL(`http://${rest}`)
  const [, portText] = rest.match(/^(?:[^/?#]*@)?(?:\[[^\]]*\]|[^/:?#]*):(\d+)/) ?? []
  const isWebSocket = scheme === 'ws' || scheme === 'wss'
  // A topic may hold what ends the path of a URL.
  const path = rest.replace(/^[^/]*/, '')
  try {
    return {
      scheme,
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: portText === undefined ? DEFAULT_PORTS[scheme] : Number(portText),
      path: isWebSocket ? (path === '' || path === '/' ? '/mqtt' : path) : '',
      userName: url.username === '' ? undefined : decodeURIComponent(url.username),
      password: url.password === '' ? undefined : decodeURIComponent(url.password),
      topic: isWebSocket || path.length < 2 ? undefined : decodeURIComponent(path.slice(1)),
    }
  } catch {
    return undefined
  }
}

/** @param tls used where the scheme has TLS. */
export const targetOfUrl = ({ scheme, host, port, path }: BrokerUrl, tls: TlsOptions): Target => {
  switch (scheme) {
    case 'unix':
      return { transport: 'unix', path }
    case 'mqtt':
      return { transport: 'tcp', host, port }
    case 'mqtts':
      return { transport: 'tls', host, port, tls }
    default: {
      const authority = host.includes(':') ? `[${host}]` : host
      const url = `${scheme}://${authority}:${port}${path}`
      return { transport: 'ws', url, tls: scheme === 'wss' ? tls : undefined }
    }
  }
}

/** For messages: `127.0.0.1:1883`. */
export const describeTarget = (target: Target): string => {
  switch (target.transport) {
    case 'unix':
      return target.path
    case 'ws':
      return target.url
    default:
      return target.host.includes(':') ? `[${target.host}]:${target.port}` : `${target.host}:${target.port}`
  }
}
