import { afterAll, beforeAll } from 'vitest'
import { Message } from '../../src/mqtt/message.ts'
import type { ProtocolVersion } from '../../src/mqtt/protocol-version.ts'
import { ConformanceClient, type ConnectOptions, otherBrokerPort } from './conformance-client.ts'
import { scriptedAuthentication } from './scripted-authentication.ts'
import { quietSystem, startBroker, withConfig } from './start-broker.ts'

/** For `it.skipIf`, where a test needs our broker. */
export const isOtherBroker = otherBrokerPort > 0

/** Values of the config that a test wants to be different. */
export interface BrokerConfig {
  readonly handler?: object
  readonly decoder?: object
  readonly server?: object
  /** Whether clients can authenticate themselves with `scriptedAuthentication`. */
  readonly authentication?: boolean
}

let last = 0
const prefix = `${isOtherBroker ? process.pid.toString(36) : ''}c`

/** A name that no other test uses: for Client Identifiers, Topic Names and ShareNames. */
export const unique = (): string => {
  last += 1
  return `${prefix}${last}`
}

/** The broker of a test file, started before its tests and stopped after them. */
export interface ConformanceBroker {
  readonly port: number
  /** A connection on which nothing has been sent. */
  open(version?: ProtocolVersion): Promise<ConformanceClient>
  /** A connected client, of MQTT 5.0 and with a Client Identifier of its own unless told otherwise. */
  connect(options?: ConnectOptions): Promise<ConformanceClient>
  /** Sends CONNECT without waiting for what comes. */
  sendConnect(options?: ConnectOptions): Promise<ConformanceClient>
  /** Publishes a message of the broker's own, past all that clients may not do. */
  publish(topic: string, payload: string): void
  stop(): Promise<void>
}

export const conformanceBroker = (config: BrokerConfig = {}): ConformanceBroker => {
  let broker: ConformanceBroker | undefined
  beforeAll(async () => {
    broker = await startConformanceBroker(config)
  })
  afterAll(() => broker?.stop())
  const running = (): ConformanceBroker => broker!
  return {
    get port() {
      return running().port
    },
    open: (version) => running().open(version),
    connect: (options) => running().connect(options),
    sendConnect: (options) => running().sendConnect(options),
    publish: (topic, payload) => running().publish(topic, payload),
    stop: () => running().stop(),
  }
}

/** Starts a broker for one test. */
export const startConformanceBroker = async (config: BrokerConfig = {}): Promise<ConformanceBroker> => {
  const own = isOtherBroker ? otherBroker : await startBroker(systemWith(config))
  const clients = new Set<ConformanceClient>()
  const open = async (version?: ProtocolVersion) => {
    const client = await ConformanceClient.open(own.port, version)
    clients.add(client)
    return client
  }
  return {
    port: own.port,
    open,
    connect: async ({ version = 5, ...options } = {}) =>
      (await open(version)).connect({ clientId: unique(), ...options }),
    sendConnect: async ({ version = 5, ...options } = {}) =>
      (await open(version)).sendConnect({ clientId: unique(), ...options }),
    publish: (topic, payload) => {
      if ('map' in own) own.map.router.publish(Message.of({ topic, payload: Buffer.from(payload) }))
    },
    async stop() {
      await own.stop()
      for (const client of clients) client.raw.destroy()
    },
  }
}

const otherBroker = { port: otherBrokerPort, stop: async () => undefined }

const systemWith = ({ handler, decoder, server, authentication = false }: BrokerConfig): object => ({
  ...quietSystem,
  mqttDecoder: { ...quietSystem.mqttDecoder, config: { ...decoder } },
  ...withConfig(handler),
  mqttHandler: {
    ...withConfig(handler).mqttHandler,
    ...(authentication ? { dependencies: withAuthentication } : {}),
  },
  ...(authentication ? { scripted: { component: scriptedAuthentication } } : {}),
  server: {
    ...quietSystem.server,
    config: { ...quietSystem.server.config, ...(authentication ? { allowAnonymous: true } : {}), ...server },
  },
})

const withAuthentication = { ...quietSystem.mqttHandler.dependencies, authenticationMethods: ['scripted'] }
