/** The broker as a part of a program or a test: `createBroker`. */

import type { z } from 'zod'
import type shipped from '../system.config.ts'
import { Broker, type ClientInfo, type PlainMessage, type Published } from './kinds/broker.ts'
import { Listener } from './kinds/listener.ts'
import { Logger, type LogLevel } from './kinds/logger.ts'
import { Store } from './kinds/store.ts'
import type { Message } from './mqtt/message.ts'
import { configInvalid } from './system/config-invalid.ts'
import type { AnyEntry, AnySystemConfig } from './system/define-system.ts'
import type { AnyKind } from './system/kind.ts'
import { createSystem, type System } from './system/lifecycle.ts'
import { didYouMean, listed } from './system/suggestion.ts'

/**
 * The type of the system that comes with the package. `system.map.store` is a `Store`, whichever component it is: the one on the disk if
 * `data` or values for `store` are given, and the one in memory otherwise. The values are those of the one on the disk.
 */
export type ShippedSystem = typeof shipped

/** Values for the components of a system, by the names of its entries: `{ mqttHandler: { maximumQoS: 1 } }`. */
export type ComponentValues<C> = {
  readonly [N in keyof C]?: C[N] extends { readonly component: { readonly config: infer Z extends z.ZodType } }
    ? Partial<z.input<Z>>
    : never
}

export interface BrokerOptions<C = ShippedSystem> {
  /** The TCP port to listen on; 0 takes a free one. Default: the port of the system config, 1883 in that of the package. */
  readonly port?: number | undefined
  /** The address to listen on. Default: the host of the system config, 127.0.0.1 in that of the package. */
  readonly host?: string | undefined
  /** The lowest level of the log, which goes to stdout. Default `warn`; with `system`, the level of that system. */
  readonly log?: LogLevel | undefined
  /** Values for components. Values for a disabled component enable it. */
  readonly config?: ComponentValues<NoInfer<C>> | undefined
  /**
   * The directory of the sessions and messages; it is made if there is none. Unless given, they are in memory and end with the broker,
   * except with a `system` whose `store` is not that of the package.
   */
  readonly data?: string | undefined
  /** A system config of your own. Default: the one of the package, `mqtt-jig/system.config`. */
  readonly system?: C | undefined
}

/** The options of a message besides its topic and payload. */
export type PublishOptions = Omit<PlainMessage, 'topic' | 'payload'>

/** A broker that runs in this process. After `close` all methods but `close` throw a SystemError with the code NOT_RUNNING. */
export interface EmbeddedBroker<C = ShippedSystem> {
  /** The port that it listens on, also when 0 was asked for. */
  readonly port: number
  /** The address that it listens on. */
  readonly host: string
  /** The methods for operators: sessions, disconnecting a client, deleting retained messages. */
  readonly broker: Broker
  /** The running system: `system.map.NAME` is an instance, `system.measures()` has the numbers. */
  readonly system: System<C>
  /**
   * Publishes a message as the server: no authorizer is asked, and the topic may begin with `$`.
   * @param payload a string is sent as UTF-8. Default: empty.
   * @throws TypeError with the problem if the message is invalid.
   */
  publish(topic: string, payload?: string | Uint8Array, options?: PublishOptions): Published
  /**
   * Calls a listener with each message that is published from now on and that a Topic Filter matches. It is called while the
   * message is published. What it throws is logged.
   * @returns ends the subscription.
   * @throws TypeError when this is no Topic Filter.
   */
  subscribe(filter: string, listener: (message: Message) => void): () => void
  /** The connected clients, in the order in which they connected. */
  clients(): readonly ClientInfo[]
  /**
   * The retained messages that a Topic Filter matches.
   * @param filter default `#`, which does not match topics that begin with `$`.
   * @param limit how many at most; 1,000 unless told otherwise.
   */
  retained(filter?: string, limit?: number): readonly Message[]
  /** Disconnects all clients and stops the broker. Calls after the first return the same promise. @throws SystemError STOP_FAILED. */
  close(): Promise<void>
  /** Calls `close`, for `await using broker = await createBroker()`. */
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Starts a broker in this process, made of the components of the package or of a system config of your own. A process can have
 * several. It installs no handlers of signals and reads no environment.
 *
 * @throws SystemError CONFIG_INVALID with all problems of the values; START_FAILED when it does not start, for example because
 * the port is taken. Everything is released then. TypeError for an unknown option, or an option that does not fit the system.
 */
export const createBroker = async <const C extends object = ShippedSystem>(
  options: BrokerOptions<C> = {},
): Promise<EmbeddedBroker<C>> => {
  checkOptions(options)
  // Loaded when they are used: a system config may import this package.
  const { default: shipped } = await import('../system.config.ts')
  const { default: inMemory } = await import('../memory.config.ts')
  const base = (options.system ?? shipped) as AnySystemConfig
  const isStored = options.data !== undefined || Object.hasOwn(options.config ?? {}, 'store')
  const hasOwnStore = base['store'] !== shipped.store
  const config = withOptions(
    isStored || hasOwnStore ? base : { ...base, store: (inMemory as AnySystemConfig)['store']! },
    options as BrokerOptions<AnySystemConfig>,
  )
  const names = { broker: theOne(config, Broker, 'createBroker'), listener: theOne(config, Listener, 'createBroker') }
  const system = createSystem(config) as unknown as System<C>
  await system.start()
  return embedded(system, names)
}

const embedded = <C>(
  system: System<C>,
  names: { readonly broker: string; readonly listener: string },
): EmbeddedBroker<C> => {
  const map = system.map as Readonly<Record<string, unknown>>
  let { host, port } = map[names.listener] as Listener
  /** A reset may bind another address. After `close` the last one stays readable. */
  const address = (): { readonly host: string; readonly port: number } => {
    if (names.listener in map) ({ host, port } = map[names.listener] as Listener)
    return { host, port }
  }
  const broker = () => map[names.broker] as Broker
  return {
    get host() {
      return address().host
    },
    get port() {
      return address().port
    },
    system,
    get broker() {
      return broker()
    },
    publish: (topic, payload = '', more = {}) => broker().publish({ ...more, topic, payload }),
    subscribe: (filter, listener) => broker().subscribe(filter, listener),
    clients: () => [...broker().clients()],
    retained: (filter = '#', limit) => broker().retained(filter, limit),
    close: () => system.stop(),
    [Symbol.asyncDispose]: () => system.stop(),
  }
}

const optionNames: readonly string[] = ['port', 'host', 'log', 'data', 'config', 'system']

/** For programs in JavaScript, which no compiler checks. */
const checkOptions = (options: object): void => {
  for (const name of Object.keys(options)) {
    if (optionNames.includes(name)) continue
    const known = didYouMean(name, optionNames) || `; there are ${listed(optionNames, 'and')}`
    throw new TypeError(`createBroker has no option '${name}'${known}`)
  }
}

/** The system with the values of the options. */
const withOptions = (base: AnySystemConfig, options: BrokerOptions<AnySystemConfig>): AnySystemConfig => {
  const { port, host, data, system, log = system === undefined ? 'warn' : undefined } = options
  let config = base
  for (const [name, values] of Object.entries(options.config ?? {})) {
    if (values !== undefined) config = withValues(config, name, values)
  }
  if (port !== undefined) config = withValues(config, theOne(config, Listener, 'port'), { port })
  if (host !== undefined) config = withValues(config, theOne(config, Listener, 'host'), { host })
  if (data !== undefined) config = withValues(config, theOne(config, Store, 'data'), { path: data })
  if (log !== undefined) config = withValues(config, theOne(config, Logger, 'log'), { level: log })
  return config
}

const withValues = (config: AnySystemConfig, name: string, values: object): AnySystemConfig => {
  const entry = Object.hasOwn(config, name) ? config[name] : undefined
  if (entry === undefined) {
    const names = Object.keys(config)
    const known = didYouMean(name, names) || `; there are ${listed(names, 'and')}`
    throw configInvalid([{ path: [name], message: `there is no component '${name}'${known}` }])
  }
  const changed: AnyEntry = { ...entry, enabled: true, config: { ...(entry.config as object | undefined), ...values } }
  return { ...config, [name]: changed }
}

/**
 * The name of the enabled entry that provides a kind.
 * @param wanted what needs it, for the message.
 * @throws TypeError when there is none, or more than one.
 */
const theOne = (config: AnySystemConfig, { name: kind }: AnyKind, wanted: string): string => {
  const names = Object.keys(config).filter((name) => {
    const { component, enabled } = config[name]!
    return enabled !== false && component.provides.name === kind
  })
  const [name, ...others] = names
  const needs = `${wanted} needs one enabled component that provides ${kind}`
  if (name === undefined) throw new TypeError(`${needs}; this system has none`)
  if (others.length > 0) throw new TypeError(`${needs}; this system has ${listed(names, 'and')}`)
  return name
}
