import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generate, type IConnectPacket } from 'mqtt-packet'
import { anonymous } from '../../components/anonymous/index.ts'
import { passwordFile } from '../../components/password-file/index.ts'
import type { PasswordFile } from '../../components/password-file/password-file.ts'
import { defineComponent, defineSystem, z } from '../../src/index.ts'
import { Logger } from '../../src/kinds/logger.ts'
import { createSystem } from '../../src/system/lifecycle.ts'
import { connectPacket } from './connect-packet.ts'
import { RawClient } from './raw-client.ts'
import { RecordingLogger } from './recording-logger.ts'
import { quietSystem } from './start-broker.ts'

/** A client that knows what it was answered. */
export interface AnsweredClient {
  readonly client: RawClient
  /** The Reason Code of CONNACK, or the Return Code in MQTT 3. */
  readonly code: number
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
  /** Clients that the listener counted as failed. */
  readonly failedAuthentications: () => number
  readonly #system: { stop(): Promise<void>; refresh(): Promise<unknown> }
  readonly #folder: string
  readonly #clients: RawClient[] = []

  private constructor(
    parts: Pick<PasswordBroker, 'path' | 'log' | 'port' | 'file' | 'failedAuthentications'>,
    system: {
      stop(): Promise<void>
      refresh(): Promise<unknown>
    },
    folder: string,
  ) {
    this.path = parts.path
    this.log = parts.log
    this.port = parts.port
    this.file = parts.file
    this.failedAuthentications = parts.failedAuthentications
    this.#system = system
    this.#folder = folder
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
        mqttHandler: {
          ...quietSystem.mqttHandler,
          config: handler,
          dependencies: { ...quietSystem.mqttHandler.dependencies, authenticators: ['passwordFile', 'anonymous'] },
        },
      }),
    )
    await system.start()
    const { server, passwordFile: file } = system.map
    const failedAuthentications = () => server.counters.failedAuthentications
    const parts = { path, log, port: server.port, file: file as PasswordFile, failedAuthentications }
    return new PasswordBroker(parts, system, folder)
  }

  /** Connects. @param more fields of CONNECT. */
  async connect(
    username: string | undefined,
    password: string | undefined,
    more: Partial<IConnectPacket> = {},
  ): Promise<AnsweredClient> {
    const client = await RawClient.connect(this.port)
    this.#clients.push(client)
    const fields = {
      ...(username !== undefined && { username }),
      ...(password !== undefined && { password: Buffer.from(password) }),
      ...more,
    }
    const version = more.protocolVersion === 4 ? 4 : 5
    client.socket.write(generate(connectPacket(fields, version)))
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
    await rm(this.#folder, { recursive: true })
  }
}
