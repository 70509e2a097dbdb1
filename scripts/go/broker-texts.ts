/** The prompt's output about clients, sessions and messages. The data comes from clients, so control characters are escaped. */

import type { ClientInfo, SessionInfo } from '../../src/kinds/broker.ts'
import { describePeer } from '../../src/kinds/peer.ts'
import { visible, withoutControls } from '../../src/system/graph-words.ts'
import { byteSize, counted, duration } from './quantities.ts'
import { type Cell, cut, painted, table } from './table.ts'

/** The part of a message that is printed; src/mqtt/message.ts has the rest. */
export interface PrintedMessage {
  readonly topic: string
  readonly payload: Uint8Array
  readonly qos: number
  readonly retain: boolean
}

/** Rows of a table that are printed. A screen shows no more. The value that the command returns is complete. */
const mostRows = 100

/** The number of letters of a payload that are printed, and of bytes that are decoded for them. */
const mostLetters = 100
const mostBytes = 4 * mostLetters

export const clientsText = (clients: readonly ClientInfo[], nowMs: number, colors: boolean): string => {
  if (clients.length === 0) return 'No client is connected.'
  const heads = [
    'client',
    'user',
    'address',
    'MQTT',
    'connected for',
    'subscriptions',
    'in flight',
    'waiting',
    'to send',
  ]
  const rows = clients
    .slice(0, mostRows)
    .map((client): Cell[] => [
      { text: nameText(client.id), style: 'cyan' },
      visible(client.userName ?? ''),
      describePeer(client.peer),
      versionText(client.protocolVersion),
      duration(nowMs - client.connectedAtMs),
      countText(client.session.subscriptions.length),
      countText(client.session.inflight),
      countText(client.session.waiting),
      client.pendingBytes === 0 ? '' : byteSize(client.pendingBytes),
    ])
  return [...table(rows, colors, heads), ...moreText(clients.length, 'client'), counted(clients.length, 'client')].join(
    '\n',
  )
}

export const clientText = (client: ClientInfo, nowMs: number, colors: boolean): string =>
  detailsText(client.id, colors, [
    ['user', client.userName],
    ['address', describePeer(client.peer)],
    ['MQTT', versionText(client.protocolVersion)],
    ['connected for', duration(nowMs - client.connectedAtMs)],
    ['keep alive', client.keepAliveSeconds === 0 ? 'none' : `${client.keepAliveSeconds} s`],
    ['received', byteSize(client.bytesReceived)],
    ['to send', byteSize(client.pendingBytes)],
    ...sessionDetails(client.session),
  ])

/** A session whose client is not connected. */
export const sessionText = (session: SessionInfo, nowMs: number, colors: boolean): string =>
  detailsText(session.id, colors, [
    ['user', session.userName],
    [
      'disconnected for',
      session.disconnectedAtMs === undefined ? undefined : duration(nowMs - session.disconnectedAtMs),
    ],
    ...sessionDetails(session),
  ])

export const retainedText = (messages: readonly PrintedMessage[], isCut: boolean, colors: boolean): string => {
  if (messages.length === 0) return 'No retained message matches.'
  const rows = messages
    .slice(0, mostRows)
    .map(({ topic, qos, payload }): Cell[] => [
      { text: nameText(topic), style: 'cyan' },
      `${qos}`,
      byteSize(payload.length),
      payloadText(payload),
    ])
  const total = `${isCut ? 'The first ' : ''}${counted(messages.length, 'retained message')}`
  return [
    ...table(rows, colors, ['topic', 'QoS', 'size', 'payload']),
    ...moreText(messages.length, 'message'),
    total,
  ].join('\n')
}

export interface FilterCount {
  readonly filter: string
  readonly sessions: number
}

export const topicsText = (
  retained: readonly string[],
  filters: readonly FilterCount[],
  notes: readonly string[],
  colors: boolean,
): string => {
  const section = (title: string, none: string, lines: readonly string[], count: number, noun: string): string[] =>
    count === 0
      ? [none]
      : [painted(title, 'bold', colors), ...lines.map((line) => `  ${line}`), ...moreText(count, noun)]
  const topics = retained.slice(0, mostRows).map((topic) => painted(nameText(topic), 'cyan', colors))
  const subscribed = filters
    .slice(0, mostRows)
    .map(({ filter, sessions }): Cell[] => [{ text: nameText(filter), style: 'cyan' }, counted(sessions, 'session')])
  return [
    ...section('Topics with a retained message', 'No message is retained.', topics, retained.length, 'topic'),
    ...section(
      'Topic Filters that sessions subscribe to',
      'No session has a subscription.',
      table(subscribed, colors),
      filters.length,
      'filter',
    ),
    ...notes,
  ].join('\n')
}

/** A line about a message that was published: `a/b  {"on":true}  QoS 1`. */
export const messageText = ({ topic, payload, qos, retain }: PrintedMessage, colors: boolean): string => {
  const marks = [...(qos > 0 ? [`QoS ${qos}`] : []), ...(retain ? ['retained'] : [])]
  const words = [
    painted(nameText(topic), 'cyan', colors),
    payloadText(payload),
    painted(marks.join(', '), 'dim', colors),
  ]
  return words.filter((word) => word !== '').join('  ')
}

/** The beginning of a payload: as text if it is UTF-8, in hexadecimal otherwise. */
export const payloadText = (payload: Uint8Array): string => {
  if (payload.length === 0) return '(empty)'
  const begun = payload.subarray(0, mostBytes)
  try {
    // With `stream`, a letter that is cut at the end is left out and is no error.
    const text = new TextDecoder('utf-8', { fatal: true }).decode(begun, { stream: payload.length > begun.length })
    return cut(visible(text), mostLetters)
  } catch {
    const bytes = Buffer.from(begun.subarray(0, mostLetters / 4))
      .toString('hex')
      .replace(/../g, '$& ')
      .trim()
    return `${bytes}${payload.length > mostLetters / 4 ? ' …' : ''} (${counted(payload.length, 'byte')})`
  }
}

/** A Client Identifier, Topic Name or Topic Filter. Spaces stay, so that different names look different. */
export const nameText = (name: string): string => (name === '' ? "''" : withoutControls(name))

type Details = readonly (readonly [name: string, value: string | undefined])[]

const detailsText = (id: string, colors: boolean, details: Details): string => {
  const rows = details.flatMap(([name, value]): Cell[][] =>
    value === undefined ? [] : [[{ text: `  ${name}`, style: 'dim' }, visible(value)]],
  )
  return [painted(nameText(id), 'bold', colors), ...table(rows, colors)].join('\n')
}

const sessionDetails = (session: SessionInfo): Details => [
  ['session expires', expiryText(session.expiryIntervalSeconds)],
  ['in flight', counted(session.inflight, 'message')],
  ['waiting', counted(session.waiting, 'message')],
  ['Will', session.hasWill ? 'yes' : 'none'],
  ['subscriptions', session.subscriptions.length === 0 ? 'none' : counted(session.subscriptions.length, 'filter')],
  ...session.subscriptions
    .slice(0, mostRows)
    .map(({ filter, qos }): [string, string] => ['', `${nameText(filter)} (QoS ${qos})`]),
]

const expiryText = (seconds: number): string => {
  if (seconds === 0) return 'with the connection'
  return seconds === 0xffffffff ? 'never' : `${duration(seconds * 1000)} after the connection`
}

const versionText = (version: number): string => ({ 3: '3.1', 4: '3.1.1', 5: '5.0' })[version] ?? `${version}`

/** An empty text for 0, so that other values stand out. */
const countText = (count: number): string => (count === 0 ? '' : count.toLocaleString('en'))

const moreText = (count: number, noun: string): string[] =>
  count > mostRows ? [`... and ${counted(count - mostRows, noun)} more`] : []
