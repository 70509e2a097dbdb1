/** The bridges of a mosquitto.conf: entries of the component `bridge`. */

import { bridgeTls } from './bridge-tls.ts'
import { type ConfLine, lineError } from './conf-line.ts'
import type { Values } from './general-options.ts'
import type { Options } from './group-conf.ts'
import type { Notes } from './notes.ts'
import { booleanOf, numberOf, textOf, wordOf } from './values.ts'

/** An entry of the system config. */
export interface BridgeEntry {
  readonly name: string
  readonly config: Values
  readonly comment: string | undefined
}

/** A bridge of mosquitto. */
interface ConfBridge {
  /** `connection NAME` */
  readonly line: ConfLine
  readonly options: Options
  readonly topics: ConfLine[]
}

/**
 * Takes the bridges over. A bridge that would not be what it was in mosquitto is left out, with a note.
 * @param taken names of other entries. @throws ConfError for a value that mosquitto would not take either.
 */
export const takeBridges = (lines: readonly ConfLine[], taken: ReadonlySet<string>, notes: Notes): BridgeEntry[] => {
  const names = new Set(taken)
  return bridgesOf(lines, notes).flatMap((bridge) => {
    const config = configOf(bridge, notes)
    if (config === undefined) return []
    const name = nameOf(bridge, names, notes)
    names.add(name)
    const hasPassword = config['password'] !== undefined
    const comment = hasPassword
      ? 'The password stands here as it did in mosquitto.conf: `passwordFile` keeps it out of this file.'
      : undefined
    return [{ name, config, comment }]
  })
}

/** Options follow the line of their bridge, in each file. */
const bridgesOf = (lines: readonly ConfLine[], notes: Notes): ConfBridge[] => {
  const bridges: ConfBridge[] = []
  const current = new Map<string, ConfBridge>()
  for (const line of lines) {
    if (line.name === 'connection') {
      const bridge = { line, options: new Map<string, ConfLine>(), topics: [] }
      textOf(line)
      bridges.push(bridge)
      current.set(line.file, bridge)
      continue
    }
    const bridge = current.get(line.file)
    if (bridge === undefined) notes.add(line, 'it is an option of bridges, and no `connection` is before it')
    else if (line.name === 'topic') bridge.topics.push(line)
    else bridge.options.set(SYNONYMS.get(line.name) ?? line.name, line)
  }
  return bridges
}

/** Older names of options. */
const SYNONYMS: ReadonlyMap<string, string> = new Map([
  ['addresses', 'address'],
  ['clientid', 'remote_clientid'],
  ['username', 'remote_username'],
  ['password', 'remote_password'],
])

const configOf = ({ line, options, topics }: ConfBridge, notes: Notes): Values | undefined => {
  const address = options.get('address')
  if (address === undefined || topics.length === 0) {
    notes.add(line, `this bridge has no ${address === undefined ? 'address' : 'topic'}, and is left out`)
    return undefined
  }
  const tls = bridgeTls(options, notes)
  if (tls === 'left out') {
    notes.add(line, 'this bridge is left out: without its TLS it would send messages unencrypted')
    return undefined
  }
  const mapped = topics.flatMap((topic) => topicOf(topic, notes) ?? [])
  if (mapped.length === 0) return undefined
  const config: Values = {
    servers: serversOf(address, tls !== undefined),
    topics: mapped,
    protocolVersion: versionOf(options.get('bridge_protocol_version'), notes),
  }
  for (const [name, option] of options) {
    const taker = TAKERS.get(name)
    const why = NOT_TAKEN.get(name)
    if (taker !== undefined) taker(option, config, notes)
    else if (why !== undefined) notes.add(option, why)
    else if (!OTHERS.has(name)) notes.add(option, 'this option of bridges is not known here')
  }
  takeNotifications(options, config)
  if (tls !== undefined && Object.keys(tls).length > 0) config['tls'] = tls
  return config
}

/** `address HOST[:PORT] [HOST[:PORT]] ...` */
const serversOf = (line: ConfLine, isTls: boolean): string[] =>
  textOf(line)
    .split(/\s+/)
    .map((address) => {
      const [, host, port = '1883'] = /^(\[[^\]]+\]|[^:]+)(?::(\d+))?$/.exec(address) ?? []
      if (host === undefined || Number(port) < 1 || Number(port) > 65_535) {
        throw lineError(line, `has the address '${address}', which is not HOST or HOST:PORT`)
      }
      return `${isTls ? 'mqtts' : 'mqtt'}://${host}:${port}`
    })

/** `topic PATTERN [[[out | in | both] QOS] LOCAL-PREFIX REMOTE-PREFIX]` @returns undefined if it cannot be carried. */
const topicOf = (line: ConfLine, notes: Notes): Values | undefined => {
  const [pattern = '', direction = 'out', qos = '0', local = '', remote = ''] = textOf(line)
    .split(/\s+/)
    .map((word) => (word === '""' ? '' : word))
  if (!['out', 'in', 'both'].includes(direction))
    throw lineError(line, `has the direction '${direction}', which is none of out, in, both`)
  if (!/^[012]$/.test(qos)) throw lineError(line, `has the QoS '${qos}', which is none of 0, 1, 2`)
  if (local + pattern === '' || remote + pattern === '') throw lineError(line, 'has neither a topic nor prefixes')
  if (direction !== 'out' && `${local}${pattern}`.startsWith('$')) {
    notes.add(line, 'topics that begin with $ belong to the broker: nothing is taken in there')
    return undefined
  }
  return {
    ...{ filter: pattern, direction, qos: Number(qos) },
    ...(local !== '' && { localPrefix: local }),
    ...(remote !== '' && { remotePrefix: remote }),
  }
}

const versionOf = (line: ConfLine | undefined, notes: Notes): string => {
  const version = line === undefined ? 'mqttv311' : wordOf(line)
  if (version === 'mqttv50') return '5.0'
  if (version === 'mqttv31') notes.add(line!, 'MQTT 3.1.1 is the oldest version of a bridge')
  else if (version !== 'mqttv311') throw lineError(line!, `has the version '${version}'`)
  return '3.1.1'
}

type Taker = (line: ConfLine, config: Values, notes: Notes) => void

const text =
  (value: string): Taker =>
  (line, config) => {
    config[value] = textOf(line)
  }
const number =
  (value: string, least: number, most: number): Taker =>
  (line, config, notes) => {
    const given = numberOf(line)
    config[value] = Math.min(most, Math.max(least, given))
    if (given !== config[value]) notes.add(line, `\`${value}\` is from ${least} to ${most}`)
  }

const TAKERS: ReadonlyMap<string, Taker> = new Map(
  Object.entries<Taker>({
    remote_clientid: text('clientId'),
    remote_username: text('userName'),
    remote_password: text('password'),
    keepalive_interval: number('keepAliveSeconds', 5, 65_535),
    bridge_max_packet_size: (line, config, notes) => {
      if (numberOf(line) !== 0) number('maximumPacketSize', 1_024, 268_435_460)(line, config, notes)
    },
    cleansession: (line, config) => {
      if (booleanOf(line)) config['cleanStart'] = true
    },
    try_private: (line, config) => {
      if (!booleanOf(line)) config['tryPrivate'] = false
    },
    restart_timeout: (line, config, notes) => {
      const [first = '', longest] = line.value.split(/\s+/)
      const [base, cap] = [numberOf({ ...line, value: first }), Number(longest ?? first)]
      config['minimumRetryMs'] = Math.min(3_600, Math.max(1, base)) * 1000
      config['maximumRetryMs'] = Math.max(config['minimumRetryMs'] as number, Math.min(86_400, cap || base) * 1000)
      if (longest === undefined) notes.add(line, 'each time is random, from half of this value up to all of it')
    },
    start_type: (line, _config, notes) => {
      if (wordOf(line) !== 'automatic')
        notes.add(line, 'a bridge connects when the broker starts, and after each failure')
    },
    local_cleansession: (line, _config, notes) => {
      if (booleanOf(line)) notes.add(line, '`cleanStart` is for the sessions at both brokers')
    },
    round_robin: (line, _config, notes) => {
      if (!booleanOf(line)) notes.add(line, 'the first address is not returned to while another one works')
    },
    bridge_outgoing_retain: (line, _config, notes) => {
      if (!booleanOf(line)) notes.add(line, 'retained messages stay retained at the remote broker')
    },
  }),
)

/** mosquitto has them unless told otherwise. */
const takeNotifications = (options: Options, config: Values): void => {
  const [on, here, topic] = [
    options.get('notifications'),
    options.get('notifications_local_only'),
    options.get('notification_topic'),
  ]
  config['notifications'] = (on === undefined || booleanOf(on)) && !(here !== undefined && booleanOf(here))
  if (config['notifications'] === true && topic !== undefined) config['notificationTopic'] = textOf(topic)
  if (config['notifications'] === false) delete config['notifications']
}

const LOCAL = 'the session of a bridge at this broker has the name $bridge/NAME, and belongs to the bridge'
const SOCKET = 'the operating system chooses'
const RULES = 'no rules hold for the bridge at this broker, as in mosquitto; `localUserName` makes those of a user hold'

const NOT_TAKEN: ReadonlyMap<string, string> = new Map(
  Object.entries({
    bridge_attempt_unsubscribe: 'a bridge does not unsubscribe from topics that only go out',
    bridge_bind_address: SOCKET,
    bridge_max_topic_alias: 'a bridge uses no Topic Aliases',
    bridge_receive_maximum: 'set `maximumInflight` of the bridge',
    bridge_reload_type: 'a bridge whose config changes starts again at a reload',
    bridge_session_expiry_interval: 'set `sessionExpirySeconds` of the bridge',
    bridge_tcp_keepalive: SOCKET,
    bridge_tcp_user_timeout: SOCKET,
    idle_timeout: 'it is for bridges that are not always connected',
    threshold: 'it is for bridges that are not always connected',
    local_clientid: LOCAL,
    local_password: LOCAL,
    local_username: RULES,
  }),
)

/** Those that are taken elsewhere. */
const OTHERS: ReadonlySet<string> = new Set([
  ...['address', 'bridge_protocol_version', 'notifications', 'notifications_local_only', 'notification_topic'],
  ...['bridge_cafile', 'bridge_capath', 'bridge_certfile', 'bridge_keyfile', 'bridge_tls_version', 'bridge_insecure'],
  ...[
    'bridge_identity',
    'bridge_psk',
    'bridge_tls_use_os_certs',
    'bridge_ciphers',
    'bridge_ciphers_tls1.3',
    'bridge_alpn',
  ],
  'bridge_require_ocsp',
])

/** The name of the entry, which is also in the topic of the state. */
const nameOf = ({ line, options }: ConfBridge, names: ReadonlySet<string>, notes: Notes): string => {
  const connection = textOf(line)
  let name = connection.replaceAll(/[^\p{L}\p{N}_-]/gu, '-')
  if (!/^\p{L}/u.test(name) || name in {} || name === 'then') name = `bridge-${name}`
  while (names.has(name)) name = `${name}-bridge`
  if (name !== connection) {
    const session = options.has('remote_clientid')
      ? ''
      : '. Set `clientId` to what mosquitto used, to keep the session at the remote broker'
    notes.add(line, `it is named '${name}' here${session}`)
  }
  return name
}
