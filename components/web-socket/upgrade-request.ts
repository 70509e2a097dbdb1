import { createHash } from 'node:crypto'
import { STATUS_CODES } from 'node:http'
import type { HttpRequest } from './http-request.ts'
import { isOriginAllowed, type OriginRule } from './origin.ts'

/** Why a request is no WebSocket connection for MQTT. */
export type RequestRefusal = 'path' | 'request' | 'origin' | 'subprotocol'

export interface RefusedRequest {
  readonly refusal: RequestRefusal
  readonly status: number
  /** For the client and for the log. */
  readonly message: string
  readonly headers?: Readonly<Record<string, string>>
}

export interface AcceptedRequest {
  readonly refusal?: undefined
  readonly subprotocol: string
  /** The header Sec-WebSocket-Accept. */
  readonly accept: string
}

export interface UpgradeRule extends OriginRule {
  readonly path: string
}

/** RFC 6455, section 1.3. */
const ACCEPT_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
/** Of MQTT 3.1.1 and 5.0 [MQTT-6.0.0-3], and of MQTT 3.1. */
const SUBPROTOCOLS = ['mqtt', 'mqttv3.1']

const UPGRADE_HEADERS = { Upgrade: 'websocket', Connection: 'Upgrade', 'Sec-WebSocket-Version': '13' }

/** Checks the request that begins a WebSocket connection (RFC 6455, section 4.2.1). */
export const checkUpgrade = (request: HttpRequest, rule: UpgradeRule): AcceptedRequest | RefusedRequest => {
  const { headers, method, target } = request
  if (target.split('?', 1)[0] !== rule.path) {
    return { refusal: 'path', status: 404, message: `This path does not exist. MQTT is at ${rule.path}.` }
  }
  const isUpgrade =
    method === 'GET' && hasToken(headers.get('upgrade'), 'websocket') && hasToken(headers.get('connection'), 'upgrade')
  if (!isUpgrade || headers.get('sec-websocket-version') !== '13') {
    const message = 'This is a WebSocket of version 13.'
    return { refusal: 'request', status: 426, message, headers: UPGRADE_HEADERS }
  }
  // A proxy would take the first frames for the body, and what we take for frames for another request.
  if (headers.has('transfer-encoding') || (headers.get('content-length') ?? '0') !== '0') {
    return { refusal: 'request', status: 400, message: 'The request of a WebSocket has no body.' }
  }
  const key = headers.get('sec-websocket-key')
  if (key === undefined || !/^[+/\dA-Za-z]{22}==$/.test(key)) {
    return { refusal: 'request', status: 400, message: 'The header Sec-WebSocket-Key is missing or invalid.' }
  }
  if (!isOriginAllowed(headers.get('origin'), headers.get('host'), rule)) {
    return { refusal: 'origin', status: 403, message: 'Pages of this origin may not connect.' }
  }
  const offered =
    headers
      .get('sec-websocket-protocol')
      ?.split(',')
      .map((name) => name.trim()) ?? []
  const subprotocol = offered.find((name) => SUBPROTOCOLS.includes(name))
  if (subprotocol === undefined) {
    return { refusal: 'subprotocol', status: 400, message: 'The subprotocol must be mqtt.' }
  }
  const accept = createHash('sha1').update(`${key}${ACCEPT_SUFFIX}`).digest('base64')
  return { subprotocol, accept }
}

const hasToken = (header: string | undefined, token: string): boolean =>
  header?.split(',').some((each) => each.trim().toLowerCase() === token) ?? false

/** The answer to an accepted request. After it the connection is a WebSocket. */
export const switchingProtocols = ({ accept, subprotocol }: AcceptedRequest): string =>
  'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
  `Sec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: ${subprotocol}\r\n\r\n`

/** The answer to any other request. The connection is closed after it. */
export const plainAnswer = ({ status, message, headers = {} }: Omit<RefusedRequest, 'refusal'>): string => {
  const body = `${message}\n`
  const all = {
    ...headers,
    Connection: headers['Connection'] === undefined ? 'close' : `${headers['Connection']}, close`,
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': String(Buffer.byteLength(body)),
  }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`
}
