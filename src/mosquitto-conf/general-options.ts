/** The general options of a mosquitto.conf: values of the components `logger`, `broker`, `mqttDecoder` and others. */

import { type ConfLine, lineError } from './conf-line.ts'
import type { Notes } from './notes.ts'
import { booleanOf, numberOf, wordOf } from './values.ts'

/** Values by their names. */
export type Values = Record<string, unknown>

export interface GeneralValues {
  readonly logger: Values
  readonly broker: Values
  readonly mqttDecoder: Values
  readonly mqttHandler: Values
  readonly server: Values
  /** Empty if there are no topics below $SYS. */
  readonly sysTopics: Values
}

/** What an option becomes. */
type Taker = (line: ConfLine, values: GeneralValues, notes: Notes) => void

/** @throws ConfError for a value that mosquitto would not take either. */
export const takeGeneral = (lines: readonly ConfLine[], notes: Notes): GeneralValues => {
  const values: GeneralValues = { logger: {}, broker: {}, mqttDecoder: {}, mqttHandler: {}, server: {}, sysTopics: {} }
  for (const line of lines) {
    const take = TAKERS.get(line.name)
    if (take !== undefined) take(line, values, notes)
    else notes.add(line, NOT_TAKEN.get(line.name) ?? 'mosquitto.conf(5) does not have this option')
  }
  return values
}

const limited = (line: ConfLine, most: number, notes: Notes, least = 1): number => {
  const number = numberOf(line)
  const taken = Math.min(most, Math.max(least, number))
  if (taken !== number) notes.add(line, `the value is ${taken} here: it can be ${least} to ${most}`)
  return taken
}

/** A limit where 0 means that there is none. @param none the value for that. */
const limit =
  (entry: keyof GeneralValues, key: string, most: number, none?: number): Taker =>
  (line, values, notes) => {
    if (numberOf(line) > 0) values[entry][key] = limited(line, most, notes)
    else if (none !== undefined) values[entry][key] = none
  }

const flag =
  (entry: keyof GeneralValues, key: string): Taker =>
  (line, values) => {
    values[entry][key] = booleanOf(line)
  }

const TERABYTE = 1024 ** 4
const UNIT_SECONDS: Readonly<Record<string, number>> = {
  ...{ h: 3_600, d: 86_400, w: 604_800, m: 2_592_000, y: 31_536_000 },
}
/** Never ends. */
const NEVER = 0xffff_ffff

const takeExpiration: Taker = (line, { mqttHandler }) => {
  const [, number, unit] = /^(\d+)([hdwmy])$/.exec(line.value) ?? []
  if (unit === undefined) throw lineError(line, `has the value '${line.value}', which is not a duration such as 14d`)
  mqttHandler['maximumSessionExpirySeconds'] = Math.min(NEVER, Number(number) * UNIT_SECONDS[unit]!)
}

const takePacketSize: Taker = (line, { mqttDecoder }, notes) => {
  if (numberOf(line) === 0) return
  const size = limited(line, 268_435_460, notes, 40)
  mqttDecoder['maximumPacketSize'] = size
  // It holds for CONNECT as well.
  if (size < 65_536) mqttDecoder['maximumConnectPacketSize'] = Math.max(128, size)
}

const takeInflight: Taker = (line, { broker }, notes) => {
  const most = numberOf(line) === 0 ? 65_535 : limited(line, 65_535, notes)
  broker['maximumInflight'] = most
  broker['maximumInflightMqtt3'] = most
}

const takeIdPrefix: Taker = (line, { mqttHandler }, notes) => {
  if (/^[^\0+#/]{0,200}$/.test(line.value)) mqttHandler['assignedClientIdentifierPrefix'] = line.value
  else notes.add(line, 'the prefix of assigned Client Identifiers has at most 200 characters, and no +, # or /')
}

const takeLogDestination: Taker = (line, { logger }, notes) => {
  const [kind, ...path] = line.value.split(/\s+/)
  if (logger['destination'] !== undefined && kind !== 'none') notes.add(line, 'the log has one destination')
  else if (kind === 'stdout' || kind === 'stderr') logger['destination'] = kind
  else if (kind === 'file' && path.length > 0) logger['destination'] = path.join(' ')
  else if (kind === 'none') logger['level'] = 'silent'
  else notes.add(line, 'the log goes to stdout, to stderr or into a file')
}

/** The lowest level that is named counts. */
const takeLogType: Taker = (line, { logger }) => {
  const word = wordOf(line)
  const level = word === 'all' ? 'debug' : (LEVELS.find(([type]) => type === word)?.[1] ?? 'info')
  const rank = (name: unknown): number => LEVELS.findIndex(([, each]) => each === name)
  const before = logger['level']
  if (before === undefined || before === 'silent' || rank(level) < rank(before)) logger['level'] = level
}

const LEVELS = [
  ['debug', 'debug'],
  ['information', 'info'],
  ['warning', 'warn'],
  ['error', 'error'],
  ['none', 'silent'],
] as const

const takeQueueQoS0: Taker = (line, _values, notes) => {
  if (booleanOf(line)) notes.add(line, 'messages at QoS 0 are not queued for clients that are away')
}

const takeConnectionMessages: Taker = (line, _values, notes) => {
  if (!booleanOf(line)) notes.add(line, 'connections are always logged, at level info')
}

const takePerListener: Taker = (line) => void booleanOf(line)

const TAKERS: ReadonlyMap<string, Taker> = new Map(
  Object.entries<Taker>({
    per_listener_settings: takePerListener,
    allow_zero_length_clientid: flag('mqttHandler', 'allowEmptyClientIdentifier'),
    auto_id_prefix: takeIdPrefix,
    check_retain_source: flag('broker', 'checkRetainedSource'),
    connection_messages: takeConnectionMessages,
    clientid_prefixes: (line, { mqttHandler }) => {
      mqttHandler['clientIdentifierPrefix'] = line.value
    },
    global_max_clients: limit('broker', 'maximumSessions', 100_000_000),
    global_max_connections: limit('server', 'maximumConnections', 1_000_000),
    log_dest: takeLogDestination,
    log_type: takeLogType,
    max_inflight_bytes: limit('broker', 'maximumInflightBytes', TERABYTE),
    max_inflight_messages: takeInflight,
    max_keepalive: (line, values, notes) => {
      // 65,535 is the longest Keep Alive that there is, and no limit of 0.
      if (numberOf(line) !== 65_535) limit('mqttHandler', 'maximumKeepAliveSeconds', 65_535)(line, values, notes)
    },
    max_packet_size: takePacketSize,
    max_queued_bytes: limit('broker', 'maximumQueuedBytes', TERABYTE),
    max_queued_messages: limit('broker', 'maximumQueuedMessages', 100_000_000, 100_000_000),
    message_size_limit: limit('mqttHandler', 'maximumPayloadBytes', 268_435_460),
    persistent_client_expiration: takeExpiration,
    queue_qos0_messages: takeQueueQoS0,
    retain_available: flag('mqttHandler', 'retainAvailable'),
    sys_interval: limit('sysTopics', 'intervalSeconds', 3_600),
    upgrade_outgoing_qos: flag('broker', 'upgradeOutgoingQoS'),
  }),
)

const LOGGED = 'the lines of the log have a form of their own'
const OLD = 'mosquitto 2.0 does not use this option any more'

const NOT_TAKEN: ReadonlyMap<string, string> = new Map(
  Object.entries({
    allow_duplicate_messages: OLD,
    auth_plugin_deny_special_chars: 'it is for plugins',
    log_facility: 'there is no output to syslog',
    log_timestamp: LOGGED,
    log_timestamp_format: LOGGED,
    memory_limit: 'there is a limit for each kind of data instead: `maximumTotalQueuedBytes` and others of the broker',
    pid_file: 'the supervisor of the process, such as systemd, knows its number',
    psk_file: 'there is no TLS with pre-shared keys',
    retained_persistence: OLD,
    retry_interval: OLD,
    set_tcp_nodelay: 'this is always so',
    store_clean_interval: OLD,
    user: 'start the broker as the user that it is to run as',
    websockets_headers_size: 'set `maximumHeaderBytes` of the listener for WebSocket if 8,192 bytes are not enough',
    websockets_log_level: LOGGED,
  }),
)
