/** The listeners of a mosquitto.conf: the component `server`, and further transports. */

import type { Access } from './access.ts'
import type { ConfLine } from './conf-line.ts'
import type { Values } from './general-options.ts'
import type { ConfListener, GroupedConf } from './group-conf.ts'
import type { Notes } from './notes.ts'
import { type Skipped, tlsOf } from './tls-options.ts'
import { numberOf, textOf } from './values.ts'

/** A listener of the system config. */
export interface ListenerEntry {
  readonly name: string
  readonly component: 'server' | 'tcp' | 'tls' | 'webSocket' | 'unixSocket'
  readonly config: Values
  readonly comment: string | undefined
}

/** What the options depend on. */
interface Context {
  readonly conf: GroupedConf
  readonly access: Access
  readonly notes: Notes
  /** Whether this machine has IPv6: `::` cannot be listened on otherwise. */
  readonly hasIPv6: boolean
}

const NO_PLAIN_LISTENER =
  'mosquitto.conf has no listener on TCP without TLS. The server always has one: for this machine alone, on a port that the ' +
  'operating system chooses, and closed to clients that no authenticator knows.'

/** Takes over all listeners. The server is the first of them. */
export const takeListeners = (context: Context): ListenerEntry[] => {
  const { conf, access } = context
  const taken = conf.listeners.flatMap((listener) => takeListener(listener, context) ?? [])
  const first = taken.find(({ component }) => component === 'tcp')
  // The listener that mosquitto did not have must not let in clients that need a certificate elsewhere.
  if (first === undefined && access.authenticators.length === 0) access.closed()
  const all = access.authenticators.map(({ name }) => name)
  const counts = new Map<string, number>()
  const entries = taken.map((each): ListenerEntry => {
    const component = each === first ? 'server' : each.component
    const count = (counts.get(component) ?? 0) + 1
    counts.set(component, count)
    const isEach = all.every((name) => each.authenticators.includes(name))
    const config = isEach ? each.config : { ...each.config, authenticators: each.authenticators }
    return { name: count === 1 ? component : `${component}${count}`, component, config, comment: each.comment }
  })
  const server = entries.find(({ component }) => component === 'server') ?? {
    ...{ name: 'server', component: 'server' },
    ...{ config: { host: '127.0.0.1', port: 0 }, comment: NO_PLAIN_LISTENER },
  }
  return [server, ...entries.filter((entry) => entry !== server)]
}

interface Taken {
  readonly component: ListenerEntry['component']
  readonly config: Values
  readonly comment: string | undefined
  readonly authenticators: readonly string[]
}

const takeListener = (listener: ConfListener, context: Context): Taken | undefined => {
  const { notes, access, conf } = context
  const protocol = listener.options.get('protocol')
  const skip = ({ line, why }: Skipped): undefined => void notes.add(line, why)
  if (protocol !== undefined && !['mqtt', 'websockets', 'http_api'].includes(protocol.value)) {
    return skip({ line: protocol, why: 'there is no such protocol: this listener is left out' })
  }
  if (protocol?.value === 'http_api')
    return skip({ line: protocol, why: 'there is no HTTP API: this listener is left out' })
  const tls = tlsOf(listener, notes)
  if (tls !== undefined && 'why' in tls) return skip(tls as unknown as Skipped)
  const { authenticators, allowAnonymous } = access.of(listener)
  // A listener of this machine without authenticators lets everybody in.
  const isSaid = allowAnonymous && !(conf.isLocalOnly && authenticators.length === 0)
  const shared = { ...sharedOptions(listener, context), ...(isSaid && { allowAnonymous }) }
  const isWebSocket = protocol?.value === 'websockets'
  const path = unixPathOf(listener)
  if (path !== undefined) {
    if (isWebSocket || tls !== undefined) {
      const line = listener.options.get(isWebSocket ? 'protocol' : 'certfile')!
      return skip({ line, why: 'a Unix socket has neither WebSocket nor TLS: this listener is left out' })
    }
    const comment = 'Only the user of the broker may connect. `mode: "660"` lets its group in, too.'.replaceAll(
      '"',
      "'",
    )
    return { component: 'unixSocket', config: { path, ...shared }, comment, authenticators }
  }
  const address = { host: hostOf(listener, context), port: listener.port }
  if (isWebSocket) {
    const comment = 'mosquitto takes every path. Clients have to use this one.'
    const config = { ...address, path: '/mqtt', origins: originsOf(listener), ...(tls && { tls }), ...shared }
    return { component: 'webSocket', config, comment, authenticators }
  }
  const config = { ...address, ...tls, ...shared }
  return { component: tls === undefined ? 'tcp' : 'tls', config, comment: undefined, authenticators }
}

const unixPathOf = ({ port, address }: ConfListener): string | undefined => (port === 0 ? address : undefined)

/** mosquitto listens on all addresses, of IPv4 and IPv6, unless it is told otherwise. */
const hostOf = ({ address, options }: ConfListener, { conf, hasIPv6, notes }: Context): string => {
  const [device, domain] = [options.get('bind_interface'), options.get('socket_domain')]
  if (device !== undefined) notes.add(device, 'listen on the address of this interface instead, with `host`')
  if (address !== undefined && address !== '') return address
  if (conf.isLocalOnly) return '127.0.0.1'
  if (domain?.value === 'ipv6')
    notes.add(domain, 'the host `::` takes connections of IPv4 as well, unless the system forbids it')
  return hasIPv6 && domain?.value !== 'ipv4' ? '::' : '0.0.0.0'
}

const originsOf = ({ options }: ConfListener): readonly string[] => {
  const line = options.get('websockets_origin')
  return line === undefined ? ['*'] : textOf(line).split(/\s+/)
}

/** The options that all transports have. */
const sharedOptions = (listener: ConfListener, { conf, notes }: Context): Values => {
  const values: Values = {}
  for (const line of listener.options.values()) {
    const take = TAKERS.get(line.name)
    const why = NOT_TAKEN.get(line.name)
    if (take !== undefined) take(line, values, notes)
    else if (why !== undefined) notes.add(line, why)
  }
  for (const name of ['allow_zero_length_clientid', 'auto_id_prefix', 'psk_file']) {
    const line = listener.security.get(name)
    if (line !== undefined) notes.add(line, 'this holds for all listeners: see the values of `mqttHandler`')
  }
  // `maximumConnections` of the server is that of all listeners together.
  const limit = listener.options.get('max_connections')
  if (
    limit !== undefined &&
    conf.listeners.length > 1 &&
    values['maximumConnections'] !== undefined &&
    isPlain(listener)
  ) {
    notes.add(limit, 'if this became `server`, its `maximumConnections` is that of all listeners together')
  }
  return values
}

const isPlain = ({ options, port, address }: ConfListener): boolean =>
  !options.has('certfile') &&
  options.get('protocol')?.value !== 'websockets' &&
  unixPathOf({ port, address } as ConfListener) === undefined

type Taker = (line: ConfLine, values: Values, notes: Notes) => void

const takeConnections: Taker = (line, values, notes) => {
  const most = numberOf(line)
  if (most < 0) return
  if (most === 0 || most > 1_000_000) notes.add(line, 'the limit can be 1 to 1,000,000')
  values['maximumConnections'] = Math.min(1_000_000, Math.max(1, most))
}

const takeMountPoint: Taker = (line, values, notes) => {
  const prefix = textOf(line)
  if (/^(?!\$)[^+#\0]*\/$/.test(prefix) && prefix.length <= 1_024) values['mountPoint'] = prefix
  else notes.add(line, 'a mount point ends with a slash, does not begin with $, and has no + or #')
}

const takeQoS: Taker = (line, values, notes) => {
  const qos = numberOf(line)
  if (qos >= 0 && qos <= 2) values['maximumQoS'] = qos
  else notes.add(line, 'a QoS is 0, 1 or 2')
}

const takeAliases: Taker = (line, values, notes) => {
  const most = numberOf(line)
  if (most < 0 || most > 65_535) notes.add(line, 'the limit can be 0 to 65,535')
  values['topicAliasMaximum'] = Math.min(65_535, Math.max(0, most))
}

const VERSIONS: Readonly<Record<string, string>> = { 3: '3.1', 4: '3.1.1', 5: '5.0' }

const takeVersions: Taker = (line, values, notes) => {
  const asked = line.value.split(/[\s,]+/).filter((text) => text !== '')
  const known = asked.flatMap((number) => VERSIONS[number] ?? [])
  if (known.length > 0) values['protocolVersions'] = known
  if (known.length < asked.length || asked.length === 0) notes.add(line, 'the versions are 3, 4 and 5')
}

const TAKERS: ReadonlyMap<string, Taker> = new Map([
  ['accept_protocol_versions', takeVersions],
  ['max_connections', takeConnections],
  ['max_qos', takeQoS],
  ['maximum_qos', takeQoS],
  ['max_topic_alias', takeAliases],
  ['mount_point', takeMountPoint],
])

const NOT_TAKEN: ReadonlyMap<string, string> = new Map([
  ['enable_proxy_protocol', 'set `proxyProtocol` of the listener, with the addresses of the proxies in `trusted`'],
  ['http_dir', 'no files are served over HTTP'],
  ['listener_auto_id_prefix', '`assignedClientIdentifierPrefix` of `mqttHandler` holds for all listeners'],
  ['max_topic_alias_broker', '`maximumOutgoingTopicAliases` of `mqttHandler` holds for all listeners'],
  ['use_username_as_clientid', 'a client keeps its Client Identifier; its session belongs to its user'],
])
