import { join } from 'node:path'
import { passwordFile } from '../../components/password-file/index.ts'
import { setUser } from '../../components/password-file/user-file.ts'
import { tls } from '../../components/tls/index.ts'
import { webSocket } from '../../components/web-socket/index.ts'
import { defineComponent, type Peer, z } from '../../src/index.ts'
import { Logger } from '../../src/kinds/logger.ts'
import { createSystem } from '../../src/system/lifecycle.ts'
import { TestFiles, testCertificates } from '../helpers/certificates.ts'
import { RecordingLogger } from '../helpers/recording-logger.ts'
import { quietSystem } from '../helpers/start-broker.ts'

/** A user of the broker. The password has characters that are escaped in URLs, shells and config files. */
export const USER = { name: 'ann', password: 'pass:w/ö rd%20' } as const

const LISTENERS = {
  tcp: 'server',
  tls: 'tls',
  mutualTls: 'mutualTls',
  ws: 'webSocket',
  wss: 'secureWebSocket',
} as const

export type ListenerName = keyof typeof LISTENERS

/** The files that a client with TLS has. */
export interface ClientFiles {
  readonly ca: string
  readonly cert: string
  readonly key: string
}

/** What of a system is used here. */
interface RunningSystem {
  readonly map: object
  stop(): Promise<unknown>
}

interface Options {
  /** A password file that is there already. Without it there is one with `USER`. */
  readonly passwords?: string
  /** Further entries of the system, and other values of those that it has. */
  readonly entries?: (files: TestFiles) => object
}

/**
 * A broker as it stands on a network. Every client has to authenticate with a user name and a password. Its listeners:
 * TCP, TLS, TLS with client certificates, WebSocket, secure WebSocket.
 */
export class SecuredBroker {
  readonly files: TestFiles
  readonly clientFiles: ClientFiles
  readonly log: RecordingLogger
  readonly #system: RunningSystem

  private constructor(files: TestFiles, clientFiles: ClientFiles, log: RecordingLogger, system: RunningSystem) {
    this.files = files
    this.clientFiles = clientFiles
    this.log = log
    this.#system = system
  }

  static async start({ passwords, entries = () => ({}) }: Options = {}): Promise<SecuredBroker> {
    const { authority, server, client } = await testCertificates()
    const files = new TestFiles()
    const path = passwords ?? join(files.folder, 'passwords')
    if (passwords === undefined) await setUser(path, USER.name, USER.password)
    const clientFiles = { ca: files.write('ca.pem', authority.cert), ...files.pair('client', client) }
    const log = new RecordingLogger()
    const logger = defineComponent({ provides: Logger, needs: {}, config: z.strictObject({}), start: () => log })
    const own = { port: 0, ...files.pair('server', server) }
    const dependencies = { logger: 'logger' }
    const system = createSystem({
      ...quietSystem,
      logger: { component: logger },
      passwordFile: { component: passwordFile, config: { path }, dependencies },
      mqttHandler: {
        ...quietSystem.mqttHandler,
        dependencies: { ...quietSystem.mqttHandler.dependencies, authenticators: ['passwordFile'] },
      },
      tls: { component: tls, config: own, dependencies },
      mutualTls: {
        component: tls,
        config: { ...own, clientCertificates: 'require', ca: clientFiles.ca },
        dependencies,
      },
      webSocket: { component: webSocket, config: { port: 0 }, dependencies },
      secureWebSocket: {
        component: webSocket,
        config: { port: 0, tls: files.pair('server', server) },
        dependencies,
      },
      ...entries(files),
    })
    await system.start()
    return new SecuredBroker(files, clientFiles, log, system)
  }

  port(listener: ListenerName): number {
    return this.portOf(LISTENERS[listener])
  }

  /** The port of an entry of the system. */
  portOf(entry: string): number {
    return (this.#system.map as Record<string, { readonly port: number }>)[entry]!.port
  }

  /**
   * The address of a listener, as a client has it.
   * @param schemes of TCP and TLS, which are different in each client.
   */
  url(listener: ListenerName, schemes = { tcp: 'mqtt', tls: 'mqtts' }): string {
    const port = this.port(listener)
    if (listener === 'ws' || listener === 'wss') return `${listener}://127.0.0.1:${port}/mqtt`
    return `${listener === 'tcp' ? schemes.tcp : schemes.tls}://127.0.0.1:${port}`
  }

  /** The peer of a connected client. */
  peerOf(clientId: string): Peer | undefined {
    const { broker } = this.#system.map as unknown as {
      readonly broker: { client(id: string): { readonly peer: Peer } | undefined }
    }
    return broker.client(clientId)?.peer
  }

  /** Disconnects a client. */
  disconnect(clientId: string): void {
    const { broker } = this.#system.map as unknown as { readonly broker: { disconnect(id: string): boolean } }
    broker.disconnect(clientId)
  }

  /** The lines of the log that say that a client connected, or was refused. */
  linesAbout(clientId: string): string[] {
    return this.log.lines.map(({ message }) => message).filter((message) => message.includes(`: ${clientId} from `))
  }

  async stop(): Promise<void> {
    await this.#system.stop()
    this.files.remove()
  }
}
