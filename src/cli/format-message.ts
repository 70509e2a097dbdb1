/** The text that `sub` prints for a message: JSON, or a format of mosquitto_sub. */

import { isUtf8 } from 'node:buffer'
import type { ReceivedMessage } from '../client/index.ts'
import { visibleJson } from '../terminal/visible-text.ts'
import { UsageError } from './arguments.ts'
import { namedProperties } from './property-arguments.ts'

export type MessageFormatter = (message: ReceivedMessage, now: Date) => Buffer

type Part = Buffer | ((message: ReceivedMessage, now: Date) => string | Buffer)

/**
 * Compiles a format of mosquitto_sub: `%t %p`. A width may stand behind `%`: `%-20t`, `%06l`; for text a precision as well: `%.10p`.
 * @throws UsageError when there is no such escape.
 */
export const compileFormat = (format: string): MessageFormatter => {
  const parts: Part[] = []
  let position = 0
  for (const match of format.matchAll(/%([-0]?)(\d{0,4})(?:\.(\d{1,4}))?(@?.|$)|\\(.|$)/gsu)) {
    const [whole, flag = '', width = '', precision, letter, escaped] = match
    parts.push(Buffer.from(format.slice(position, match.index)))
    position = match.index + whole.length
    if (escaped !== undefined) parts.push(Buffer.from(escapeOf(escaped)))
    else parts.push(fieldOf(letter!, flag, Number(width), precision === undefined ? undefined : Number(precision)))
  }
  parts.push(Buffer.from(format.slice(position)))
  return (message, now) =>
    Buffer.concat(
      parts.map((part) => {
        const value = typeof part === 'function' ? part(message, now) : part
        return typeof value === 'string' ? Buffer.from(value) : value
      }),
    )
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\',
  '0': '\0',
  a: '\x07',
  e: '\x1b',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
}

const escapeOf = (letter: string): string => {
  if (Object.hasOwn(ESCAPES, letter)) return ESCAPES[letter]!
  throw new UsageError(
    `--format: there is no escape \\${letter}; there are ${Object.keys(ESCAPES)
      .map((each) => `\\${each}`)
      .join(' ')}.`,
  )
}

/** A property under the name of `--property`. */
const property =
  (name: string) =>
  ({ properties }: ReceivedMessage): string | Buffer => {
    const value = namedProperties(properties).find(([each]) => each === name)?.[1]
    if (value === undefined) return ''
    if (value instanceof Uint8Array) return Buffer.from(value)
    return typeof value === 'boolean' ? (value ? '1' : '0') : String(value)
  }

const pairsOf = ({ properties }: ReceivedMessage): readonly (readonly [string, string])[] =>
  Object.entries((properties['userProperties'] ?? {}) as Record<string, string | string[]>).flatMap(([name, values]) =>
    [values].flat().map((value) => [name, value] as const),
  )

const FIELDS: Readonly<Record<string, (message: ReceivedMessage, now: Date) => string | Buffer>> = {
  '%': () => '%',
  A: property('topic-alias'),
  C: property('content-type'),
  D: property('correlation-data'),
  E: property('message-expiry-interval'),
  F: property('payload-format-indicator'),
  I: (_, now) => localTime(now),
  J: (message, now) => visibleJson(mosquittoJson(message, now, true)),
  j: (message, now) => visibleJson(mosquittoJson(message, now, false)),
  l: ({ payload }) => String(payload.length),
  m: ({ packetIdentifier }) => String(packetIdentifier),
  P: (message) =>
    pairsOf(message)
      .map((pair) => pair.join(':'))
      .join(' '),
  p: ({ payload }) => payload,
  q: ({ qos }) => String(qos),
  R: property('response-topic'),
  r: ({ retain }) => (retain ? '1' : '0'),
  S: property('subscription-identifier'),
  t: ({ topic }) => topic,
  U: (_, now) => `${Math.floor(now.getTime() / 1000)}.${String(now.getTime() % 1000).padStart(3, '0')}000000`,
  X: ({ payload }) => payload.toString('hex').toUpperCase(),
  x: ({ payload }) => payload.toString('hex'),
}

const fieldOf = (letter: string, flag: string, width: number, precision: number | undefined): Part => {
  if (letter.startsWith('@')) return dateField(letter.slice(1))
  if (!Object.hasOwn(FIELDS, letter)) {
    throw new UsageError(
      `--format: there is no %${letter}; there are ${Object.keys(FIELDS)
        .map((each) => `%${each}`)
        .join(' ')} and %@ with a letter of strftime.`,
    )
  }
  const read = FIELDS[letter]!
  if (width === 0 && precision === undefined) return read
  const isNumber = 'lqmrEFAS'.includes(letter)
  return (message, now) => {
    const value = read(message, now)
    let text = typeof value === 'string' ? value : value.toString('latin1')
    if (precision !== undefined && !isNumber) text = text.slice(0, precision)
    const padded = flag === '-' ? text.padEnd(width) : text.padStart(width, flag === '0' && isNumber ? '0' : ' ')
    return typeof value === 'string' ? padded : Buffer.from(padded, 'latin1')
  }
}

const two = (value: number): string => String(value).padStart(2, '0')

const DATE_FIELDS: Readonly<Record<string, (now: Date) => string>> = {
  Y: (now) => String(now.getFullYear()),
  y: (now) => two(now.getFullYear() % 100),
  m: (now) => two(now.getMonth() + 1),
  d: (now) => two(now.getDate()),
  H: (now) => two(now.getHours()),
  M: (now) => two(now.getMinutes()),
  S: (now) => two(now.getSeconds()),
  N: (now) => `${String(now.getMilliseconds()).padStart(3, '0')}000000`,
  F: (now) => `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`,
  T: (now) => `${two(now.getHours())}:${two(now.getMinutes())}:${two(now.getSeconds())}`,
  s: (now) => String(Math.floor(now.getTime() / 1000)),
  z: (now) => zoneOf(now),
}

const dateField = (letter: string): Part => {
  if (!Object.hasOwn(DATE_FIELDS, letter)) {
    const known = Object.keys(DATE_FIELDS).map((each) => `%@${each}`)
    throw new UsageError(`--format: there is no %@${letter}; there are ${known.join(' ')}.`)
  }
  return (_message, now) => DATE_FIELDS[letter]!(now)
}

const zoneOf = (now: Date): string => {
  const minutes = -now.getTimezoneOffset()
  const absolute = Math.abs(minutes)
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(absolute / 60))}${two(absolute % 60)}`
}

const localTime = (now: Date): string => `${DATE_FIELDS['F']!(now)}T${DATE_FIELDS['T']!(now)}${zoneOf(now)}`

/** What `%J` and `%j` of mosquitto_sub print. @param parses whether the payload is JSON; it is text otherwise. */
const mosquittoJson = (message: ReceivedMessage, now: Date, parses: boolean): object => {
  const { topic, qos, retain, payload, packetIdentifier } = message
  const properties = jsonProperties(message)
  return {
    tst: `${now.toISOString().slice(0, 23)}000Z+0000`,
    topic,
    qos,
    retain: retain ? 1 : 0,
    payloadlen: payload.length,
    ...(packetIdentifier === 0 ? {} : { mid: packetIdentifier }),
    ...(Object.keys(properties).length === 0 ? {} : { properties }),
    payload: parses ? parsed(payload) : payload.toString(),
  }
}

/** mosquitto_sub drops a message that is no JSON; here it is text. */
const parsed = (payload: Buffer): unknown => {
  try {
    return JSON.parse(payload.toString())
  } catch {
    return payload.toString()
  }
}

const jsonProperties = ({ properties }: ReceivedMessage): Record<string, unknown> =>
  Object.fromEntries(
    namedProperties(properties).map(([name, value]) => {
      if (name === 'user-property') return ['user-properties', value]
      if (!(value instanceof Uint8Array)) return [name, value]
      return isUtf8(value)
        ? [name, Buffer.from(value).toString()]
        : [`${name}-base64`, Buffer.from(value).toString('base64')]
    }),
  )

/** What `--json` prints: one object in a line. The payload is text where it is UTF-8, and `payloadBase64` otherwise. */
export const messageJson: MessageFormatter = (message, now) => {
  const { topic, payload, qos, retain, dup } = message
  const content = isUtf8(payload) ? { payload: payload.toString() } : { payloadBase64: payload.toString('base64') }
  const properties = jsonProperties(message)
  return Buffer.from(
    visibleJson({
      topic,
      ...content,
      qos,
      retain,
      ...(dup ? { dup } : {}),
      properties,
      receivedAtMs: now.getTime(),
    }),
  )
}
