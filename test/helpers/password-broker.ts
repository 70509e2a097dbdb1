import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { generate, type IConnectPacket } from 'mqtt-packet'
import { anonymous } from '../../components/anonymous/index.ts'
import { passwordFile } from '../../components/password-file/index.ts'
import type { PasswordFile } from '../../components/password-file/password-file.ts'
import { defineComponent, defineSystem, z } from '../../src/index.ts'
import type { ConnectionCounters } from '../../src/kinds/listener.ts'
import { Logger } from '../../src/kinds/logger.ts'
import { createSystem, type System } from '../../src/system/lifecycle.ts'
import { connectPacket } from './connect-packet.ts'
import { RawClient } from './raw-client.ts'
import { RecordingLogger } from './recording-logger.ts'
import { quietSystem } from './start-broker.ts'

const OPENED_AT_ONCE = 250

/** A client that knows what it was answered. */
export interface AnsweredClient {
  readonly client: RawClient
  /** The Reason Code of CONNACK, or the Return Code in MQTT 3. */
  readonly code: number
}

interface RunningParts {
  readonly server: { readonly port: number; readonly counters: Readonly<ConnectionCounters> }
  readonly passwordFile: object
}

interface PasswordBrokerOptions {
  readonly config?: object
  readonly handler?: object
  readonly guests?: boolean
}

/** A broker that authenticates clients by a password file, and one helper for its clients. */
export class PasswordBroker {
  readonly path: string
  readonly log: RecordingLogger
  readonly port: number
  readonly file: PasswordFile
  readonly #system: Pick<System, 'stop' | 'refresh'>
  readonly #counters: Readonly<ConnectionCounters>
  readonly #clients: RawClient[] = []

  private constructor(path: string, log: RecordingLogger, system: Pick<System, 'stop' | 'refresh'>, map: RunningParts) {
    this.path = path
    this.log = log
    this.port = map.server.port
    this.file = map.passwordFile as PasswordFile
    this.#system = system
    this.#counters = map.server.counters
  }

  /** Clients that the listener counted as failed. */
  get failedAuthentications(): number {
    return this.#counters.failedAuthentications
  }

  /**
   * @param text of the file; undefined for no file. @param config of passwordFile. @param handler config of mqttHandler.
   * @param guests whether clients without a user name are let in.
   */
  static async start(
    text: string | undefined,
    { config = {}, handler = {}, guests = false }: PasswordBrokerOptions = {},
  ): Promise<PasswordBroker> {
    const folder = await mkdtemp(join(tmpdir(), 'password-broker-'))
    const path = join(folder, 'passwords')
    if (text !== undefined) await writeFile(path, text, { mode: 0o600 })
    const log = new RecordingLogger()
    const logger = defineComponent({ provides: Logger, needs: {}, config: z.strictObject({}), start: () => log })
    const system = createSystem(
      defineSystem({
        ...quietSystem,
        logger: { component: logger },
        passwordFile: { component: passwordFile, config: { path, ...config }, dependencies: { logger: 'logger' } },
        anonymous: { component: anonymous, config: { attributes: { groups: ['guests'] } }, enabled: guests },
        server: { ...quietSystem.server, config: { ...quietSystem.server.config, maximumConnections: 10_000 } },
        mqttHandler: {
          ...quietSystem.mqttHandler,
          config: handler,
          dependencies: { ...quietSystem.mqttHandler.dependencies, authenticators: ['passwordFile', 'anonymous'] },
        },
      }),
    )
    await system.start()
    return new PasswordBroker(path, log, system, system.map)
  }

  /** Connects. @param more fields of CONNECT. */
  async connect(
    username: string | undefined,
    password: string | undefined,
    more: Partial<IConnectPacket> = {},
  ): Promise<AnsweredClient> {
    const client = await RawClient.connect(this.port)
    return this.#ask(client, username, password, more)
  }

  /**
   * Connects many clients, which all send CONNECT before most of them have their answers.
   * @param userOf the user name and password of a client, by its number.
   */
  async connectAll(count: number, userOf: (index: number) => readonly [string, string]): Promise<AnsweredClient[]> {
    const answers: Promise<AnsweredClient>[] = []
    const before = this.#counters.accepted
    for (let first = 0; first < count; first += OPENED_AT_ONCE) {
      // No more than fit the backlog of the listener: what overflows it the operating system resets.
      while (this.#counters.accepted - before < first) await setImmediate()
      const batch = Array.from({ length: Math.min(OPENED_AT_ONCE, count - first) }, () => RawClient.connect(this.port))
      for (const [index, client] of (await Promise.all(batch)).entries()) {
        answers.push(this.#ask(client, ...userOf(first + index), { clientId: `client-${first + index}` }))
      }
    }
    return Promise.all(answers)
  }

  async #ask(
    client: RawClient,
    username: string | undefined,
    password: string | undefined,
    more: Partial<IConnectPacket>,
  ): Promise<AnsweredClient> {
    this.#clients.push(client)
    const fields = {
      ...(username !== undefined && { username }),
      ...(password !== undefined && { password: Buffer.from(password) }),
      ...more,
    }
    client.socket.write(generate(connectPacket(fields, more.protocolVersion === 4 ? 4 : 5)))
    const packet = await client.packet()
    return { client, code: packet[3]! }
  }

  /** Writes the file and has it read. */
  async write(text: string): Promise<void> {
    await writeFile(this.path, text)
    await this.#system.refresh()
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) client.destroy()
    await this.#system.stop()
    await rm(dirname(this.path), { recursive: true })
  }
}
