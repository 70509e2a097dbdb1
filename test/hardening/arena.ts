/** A broker under attack: connections that send what no client would, and a client beside them that must not notice. */

import type { Socket } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import mqtt, { type MqttClient } from 'mqtt'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import { z } from 'zod'
import { Logger } from '../../src/kinds/logger.ts'
import type { ProtocolVersion } from '../../src/mqtt/protocol-version.ts'
import { defineComponent } from '../../src/system/define-system.ts'
import { eventually, PATIENCE_MS } from '../helpers/eventually.ts'
import { inFullRun } from '../helpers/full-run.ts'
import { RecordingLogger } from '../helpers/recording-logger.ts'
import { type Broker, quietSystem, startBroker, withConfig } from '../helpers/start-broker.ts'
import { Attacker, type ConnectFields } from './attacker.ts'

export const VERSIONS = [...inFullRun(3 as const), 4 as const, 5 as const]

/** Values of the config that a file of tests wants to be different. */
export interface ArenaConfig {
  readonly handler?: object
  readonly decoder?: object
  readonly server?: object
  /** Entries of the system, instead of its own or besides them. */
  readonly entries?: object
  /** Names of entries that are filters, between the decoder and the handler. */
  readonly filters?: readonly string[]
  /** Something in it throws, and the log says so. */
  readonly faulty?: boolean
  /** The tests run at the same time, since they wait: their connections end with the last one. */
  readonly concurrent?: boolean
}

export interface Arena {
  readonly broker: Broker
  /** What the broker logged. */
  readonly log: RecordingLogger
  /** A connection on which nothing has been sent. */
  open(version?: ProtocolVersion): Promise<Attacker>
  /** A connected client. */
  connected(version?: ProtocolVersion, fields?: ConnectFields): Promise<Attacker>
  /** Fails unless the client beside still gets its messages at QoS 1. */
  bystanderIsServed(): Promise<void>
}

/**
 * The arena of a test file. After each test the bystander must be served within a moment, and no connection of an
 * attacker may be left.
 */
export const arena = (config: ArenaConfig = {}): Arena => {
  const log = new RecordingLogger()
  let broker: Broker
  let bystander: Bystander
  const attackers: Attacker[] = []
  beforeAll(async () => {
    broker = await startBroker(systemWith(config, log))
    bystander = await Bystander.connect(broker.port)
  })
  const clear = async () => {
    await bystander.isServed()
    for (const attacker of attackers.splice(0)) attacker.destroy()
    // Nothing threw, and nothing had to be caught.
    if (config.faulty !== true) expect(log.at('error')).toEqual([])
    await eventually(() => expect(broker.map.server.connections).toBe(1))
    await bystander.isServed()
  }
  if (config.concurrent !== true) afterEach(clear)
  afterAll(async () => {
    if (config.concurrent === true) await clear()
    bystander.end()
    await broker.stop()
  })
  const open = async (version: ProtocolVersion = 5) => {
    const attacker = await Attacker.open(broker.port, version)
    attackers.push(attacker)
    return attacker
  }
  return {
    get broker() {
      return broker
    },
    log,
    open,
    connected: async (version, fields) => (await open(version)).connect(fields),
    bystanderIsServed: () => bystander.isServed(),
  }
}

/** The system of the tests with other values. */
const systemWith = (
  { handler, decoder, server, entries, filters = [] }: ArenaConfig,
  log: RecordingLogger,
): object => ({
  ...quietSystem,
  logger: { component: defineComponent({ provides: Logger, needs: {}, config: z.strictObject({}), start: () => log }) },
  ...withConfig(handler),
  mqttDecoder: { ...quietSystem.mqttDecoder, config: { ...decoder } },
  server: {
    ...quietSystem.server,
    config: { ...quietSystem.server.config, ...server },
    dependencies: {
      pipeline: ['mqttDecoder', 'packetLog', ...filters, 'mqttHandler', 'mqttEncoder'],
      logger: 'logger',
    },
  },
  ...entries,
})

/** A well-behaved client with a subscription of its own. */
class Bystander {
  readonly #client: MqttClient
  #sent = 0

  private constructor(client: MqttClient) {
    this.#client = client
  }

  static async connect(port: number): Promise<Bystander> {
    const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, {
      protocolVersion: 5,
      clientId: 'bystander',
      reconnectPeriod: 0,
    })
    // Otherwise each of its messages waits for the acknowledgement of the last packet, 40 milliseconds.
    ;(client.stream as Socket).setNoDelay(true)
    await client.subscribeAsync('bystander/+', { qos: 1 })
    return new Bystander(client)
  }

  async isServed(): Promise<void> {
    const text = `message ${++this.#sent}`
    const received = new Promise<string>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('the bystander is not served')), PATIENCE_MS)
      this.#client.once('message', (topic, payload) => {
        clearTimeout(timer)
        resolve(`${topic}: ${payload}`)
      })
    })
    const published = this.#client.publishAsync('bystander/a', text, { qos: 1 })
    expect(await received).toBe(`bystander/a: ${text}`)
    await published
  }

  end(): void {
    this.#client.end(true)
  }
}

/** Bytes that JavaScript holds, after a collection. */
export const heldBytes = (): number => {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as () => void
  gc()
  gc()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** Runs the attack and fails when more memory than this is held afterwards, in MiB. */
export const holdingAtMost = async <T>(maximumMebibytes: number, attack: () => Promise<T>): Promise<T> => {
  const before = heldBytes()
  const result = await attack()
  expect((heldBytes() - before) / 2 ** 20).toBeLessThan(maximumMebibytes)
  return result
}
