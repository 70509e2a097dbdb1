import { afterAll, beforeAll } from 'vitest'
import type { ProtocolVersion } from '../../src/mqtt/protocol-version.ts'
import { ConformanceClient, type ConnectOptions, otherBrokerPort } from './conformance-client.ts'
import { quietSystem, startBroker } from './start-broker.ts'

/** For `it.skipIf`, where a test needs our broker. */
export const isOtherBroker = otherBrokerPort > 0

/** Values of the config that a test wants to be different. */
export interface BrokerConfig {
  readonly handler?: object
  readonly decoder?: object
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
    stop: () => running().stop(),
  }
}

/** Starts a broker for one test. */
export const startConformanceBroker = async (config: BrokerConfig = {}): Promise<ConformanceBroker> => {
  const own = isOtherBroker
    ? { port: otherBrokerPort, stop: async () => undefined }
    : await startBroker(systemWith(config))
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
    async stop() {
      await own.stop()
      for (const client of clients) client.raw.destroy()
    },
  }
}

const systemWith = ({ handler, decoder }: BrokerConfig): object => ({
  ...quietSystem,
  mqttHandler: { ...quietSystem.mqttHandler, config: { ...handler } },
  mqttDecoder: { ...quietSystem.mqttDecoder, config: { ...decoder } },
})
