/** Sorts the options of a mosquitto.conf: general ones, those of each listener, those of bridges. */

import { type ConfLine, lineError } from './conf-line.ts'

/** Options by their names. The last line with a name counts. */
export type Options = Map<string, ConfLine>

/** A listener of mosquitto. */
export interface ConfListener {
  /** The line that it begins with; undefined for the default listener, which has none. */
  readonly line: ConfLine | undefined
  port: number
  /** The host or address, or the path of a Unix socket; undefined for all addresses. */
  address: string | undefined
  readonly options: Options
  /** Who is let in, and may do what: of this listener alone if `per_listener_settings` is true. */
  readonly security: Options
  /** Plugins cannot be taken over, but decide who is let in. */
  hasPlugin: boolean
}

export interface GroupedConf {
  /** In their order: some may be repeated. */
  readonly general: readonly ConfLine[]
  /** Who is let in, and may do what, by all listeners. */
  readonly security: Options
  readonly listeners: readonly ConfListener[]
  /** Whether nothing is configured to listen on: mosquitto then serves this machine alone, and everybody on it. */
  readonly isLocalOnly: boolean
  /** Lines of bridges. */
  readonly bridges: readonly ConfLine[]
  /** Lines of plugins. */
  readonly plugins: readonly ConfLine[]
}

const SECURITY: ReadonlySet<string> = new Set([
  ...['acl_file', 'allow_anonymous', 'allow_zero_length_clientid', 'auto_id_prefix', 'password_file', 'psk_file'],
])

const LISTENER: ReadonlySet<string> = new Set([
  ...['accept_protocol_versions', 'bind_interface', 'cafile', 'capath', 'certfile', 'ciphers', 'ciphers_tls1.3'],
  ...['crlfile', 'dhparamfile', 'disable_client_cert_date_checks', 'enable_proxy_protocol', 'http_dir', 'keyfile'],
  ...['listener_allow_anonymous', 'listener_auto_id_prefix', 'max_connections', 'max_qos', 'max_topic_alias'],
  ...['max_topic_alias_broker', 'maximum_qos', 'mount_point', 'protocol', 'psk_hint', 'require_certificate'],
  ...['socket_domain', 'tls_engine', 'tls_engine_kpass_sha1', 'tls_keyform', 'tls_version', 'use_identity_as_username'],
  ...['use_subject_as_username', 'use_username_as_clientid', 'websockets_origin'],
])

const BRIDGE: ReadonlySet<string> = new Set([
  ...['address', 'addresses', 'cleansession', 'clientid', 'idle_timeout', 'keepalive_interval', 'local_cleansession'],
  ...['local_clientid', 'local_password', 'local_username', 'notification_topic', 'notifications', 'password'],
  ...[
    'notifications_local_only',
    'remote_clientid',
    'remote_password',
    'remote_username',
    'restart_timeout',
    'username',
  ],
  ...['round_robin', 'start_type', 'threshold', 'topic', 'try_private'],
])

const isPlugin = (name: string): boolean => /^(auth_plugin|plugin|global_plugin|auth_opt_|plugin_opt_)/.test(name)
const startsPlugin = (name: string): boolean => /^(auth_plugin|plugin|plugin_load|plugin_use|global_plugin)$/.test(name)

/** Options before the first `listener` that make mosquitto open its default listener. */
const OPENS_DEFAULT = new Set([
  ...[
    'bind_address',
    'port',
    'cafile',
    'capath',
    'certfile',
    'keyfile',
    'tls_engine',
    'psk_hint',
    'psk_file',
    'tls_keyform',
  ],
  ...[
    'use_identity_as_username',
    'use_subject_as_username',
    'max_connections',
    'max_qos',
    'maximum_qos',
    'mount_point',
  ],
  ...['socket_domain', 'password_file', 'allow_zero_length_clientid', 'bind_interface', 'protocol'],
])

/** @throws ConfError for a listener without a port. */
export const groupConf = (lines: readonly ConfLine[]): GroupedConf => {
  const general: ConfLine[] = []
  const security: Options = new Map()
  const byDefault = newListener(undefined, 1883, undefined)
  const listeners: ConfListener[] = []
  const [bridges, plugins]: [ConfLine[], ConfLine[]] = [[], []]
  /** The listener whose options follow, by file: each file begins with the default listener. */
  const current = new Map<string, ConfListener>()
  let isPerListener = false
  /** Whether mosquitto opens the default listener. */
  let opens = false
  for (const line of lines) {
    const { file, name, value } = line
    const listener = current.get(file) ?? byDefault
    if (name === 'listener') {
      const next = listenerOf(line)
      listeners.push(next)
      current.set(file, next)
    } else if (name === 'port') byDefault.port = portOf(line, value, 1)
    else if (name === 'bind_address') byDefault.address = value
    else if (name === 'connection' || BRIDGE.has(name) || name.startsWith('bridge_')) bridges.push(line)
    else if (isPlugin(name)) {
      plugins.push(line)
      if (startsPlugin(name)) listener.hasPlugin = true
    } else if (SECURITY.has(name)) (isPerListener ? listener.security : security).set(name, line)
    else if (LISTENER.has(name)) listener.options.set(name, line)
    else {
      general.push(line)
      if (name === 'per_listener_settings') isPerListener = value === 'true'
    }
    const isGeneral = SECURITY.has(name) && !isPerListener
    if (listener === byDefault && OPENS_DEFAULT.has(name) && !isGeneral && !isDefaultValue(line)) opens = true
  }
  const isLocalOnly = !opens && listeners.length === 0
  if (opens || isLocalOnly) listeners.unshift(byDefault)
  if (!isPerListener && plugins.some(({ name }) => startsPlugin(name)))
    for (const each of listeners) each.hasPlugin = true
  return { general, security, listeners, isLocalOnly, bridges, plugins }
}

const newListener = (line: ConfLine | undefined, port: number, address: string | undefined): ConfListener => ({
  ...{ line, port, address },
  ...{ options: new Map(), security: new Map(), hasPlugin: false },
})

/** `listener PORT [ADDRESS]`, or `listener 0 PATH`, a Unix socket. */
const listenerOf = (line: ConfLine): ConfListener => {
  const [text = '', ...rest] = line.value.split(/\s+/)
  const port = portOf(line, text, 0)
  if (port === 0 && rest.length === 0) throw lineError(line, 'has the port 0 and no path of a Unix socket')
  return newListener(line, port, rest.length === 0 ? undefined : rest.join(' '))
}

const portOf = (line: ConfLine, text: string, least: 0 | 1): number => {
  const port = Number(text)
  if (/^\d+$/.test(text) && port >= least && port <= 65_535) return port
  throw lineError(line, `has the port '${text}', which is not a number from ${least} to 65535`)
}

const isDefaultValue = ({ name, value }: ConfLine): boolean =>
  (name === 'protocol' && value === 'mqtt') ||
  (name === 'max_connections' && value === '-1') ||
  (/^max(imum)?_qos$/.test(name) && value === '2') ||
  value === (name === 'allow_zero_length_clientid' ? 'true' : 'false')
