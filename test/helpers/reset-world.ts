import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { expect, vi } from 'vitest'
import { formatCredential } from '../../components/scram-sha-256/credential.ts'
import { deriveKeys } from '../../components/scram-sha-256/keys.ts'
import { tls } from '../../components/tls/index.ts'
import type { AnyComponent, AnySystemConfig } from '../../src/system/define-system.ts'
import { createSystem } from '../../src/system/lifecycle.ts'
import { AuthenticatingPeer } from './authenticating-peer.ts'
import { type KeyPair, TestFiles } from './certificates.ts'
import { providing, type SlowStore } from './slow-store.ts'
import { quietSystem } from './start-broker.ts'

type Entries = Readonly<Record<string, { readonly component: object; readonly [key: string]: unknown }>>

/** A broker with TCP, TLS, SCRAM and a store, for tests of what crosses a reset. Users: `ann` with the password `pencil`. */
export class ResetWorld {
  readonly config: Entries
  readonly system: ReturnType<typeof createSystem>
  readonly #files = new TestFiles()
  readonly #ending: (() => unknown)[] = []

  static async start(certificate: KeyPair, store: SlowStore): Promise<ResetWorld> {
    const world = new ResetWorld(certificate, store, await credentialOf('pencil'))
    await world.system.start()
    return world
  }

  private constructor(certificate: KeyPair, store: SlowStore, ann: string) {
    const { server, mqttHandler, scramSha256 } = quietSystem
    this.config = {
      ...quietSystem,
      store: { component: providing(store) },
      scramSha256: { ...scramSha256, enabled: true, config: { users: { ann } } },
      mqttHandler: {
        ...mqttHandler,
        dependencies: { ...mqttHandler.dependencies, authenticationMethods: ['scramSha256'] },
      },
      tls: {
        component: tls,
        config: { port: 0, allowAnonymous: true, ...this.#files.pair('server', certificate) },
        dependencies: { logger: 'logger' },
      },
      server: { ...server, config: { ...server.config, allowAnonymous: true } },
    } as unknown as Entries
    this.system = createSystem(this.config as AnySystemConfig)
  }

  port(name: 'server' | 'tls' = 'server'): number {
    return (this.system.map as Readonly<Record<string, { readonly port: number }>>)[name]!.port
  }

  async peer(): Promise<AuthenticatingPeer> {
    const peer = await AuthenticatingPeer.open(this.port())
    this.onStop(() => peer.socket.destroy())
    return peer
  }

  /** A connected client. @param fields of its CONNECT. */
  async connected(clientId: string, fields: object = {}, properties: object = {}): Promise<AuthenticatingPeer> {
    const peer = await this.peer()
    expect(await peer.sendConnect({ clientId, ...fields }, properties).next()).toMatchObject({ reasonCode: 0 })
    return peer
  }

  onStop(end: () => unknown): void {
    this.#ending.push(end)
  }

  async stop(): Promise<void> {
    for (const end of this.#ending.splice(0).toReversed()) await end()
    await this.system.stop()
    this.#files.remove()
  }

  /** A reset with another password of `ann`; without that user if it is undefined. */
  async setPassword(password: string | undefined): Promise<void> {
    const users = password === undefined ? {} : { ann: await credentialOf(password) }
    const scramSha256 = { ...this.config['scramSha256'], config: { users } }
    const report = await this.system.apply({ ...this.config, scramSha256 })
    expect(report.errors).toEqual([])
  }

  /** A reset after an edit of these components: their code is loaded a second time. */
  async edit(...names: readonly ('mqttHandler' | 'broker')[]): Promise<void> {
    const report = await this.system.apply(await this.#edited(names))
    expect(report.errors).toEqual([])
    for (const name of names) expect(report.parts.find((part) => part.name === name)?.verdict).toBe('swap')
  }

  /** The same, and the last check of the reset fails: it is undone. */
  async editInVain(...names: readonly ('mqttHandler' | 'broker')[]): Promise<void> {
    const edited = await this.#edited(names)
    const name = names[0]!
    const verify = () => {
      throw new Error('not today')
    }
    const failing = { ...edited, [name]: { ...edited[name], component: { ...edited[name]!.component, verify } } }
    await expect(this.system.apply(failing)).rejects.toMatchObject({
      code: 'RESET_FAILED',
      phase: 'verify',
      undoErrors: [],
    })
  }

  async #edited(names: readonly string[]): Promise<Entries> {
    vi.resetModules()
    const { mqttHandler } = await import('../../components/mqtt-handler/index.ts')
    const { broker } = await import('../../components/broker/index.ts')
    const components: Readonly<Record<string, AnyComponent>> = { mqttHandler, broker } as never
    const changed = names.map((name) => [name, { ...this.config[name], component: components[name] }])
    return { ...this.config, ...Object.fromEntries(changed) }
  }
}

const credentialOf = async (password: string): Promise<string> => {
  const salt = Buffer.from('the salt of ann.')
  return formatCredential({ iterations: 4_096, salt, ...(await deriveKeys(password, salt, 4_096)) })
}

/** Passes bytes of one client on to a port. It holds the others, and all answers, until `release`. */
export class HoldingProxy {
  readonly port: number
  /** Resolves when the first bytes of the server have come. */
  readonly answered: Promise<unknown>
  readonly #release: () => void
  readonly #end: () => void
  #answer: () => void = () => undefined

  /** @param size bytes of the client that are passed on at once. */
  static async start(target: number, size: number): Promise<HoldingProxy> {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new HoldingProxy(server, target, size)
  }

  private constructor(server: ReturnType<typeof createServer>, target: number, size: number) {
    this.port = (server.address() as AddressInfo).port
    let held: Buffer[] = []
    const answers: Buffer[] = []
    let isHolding = true
    let left = size
    const upstream = connect(target, '127.0.0.1')
    const sockets: Socket[] = [upstream]
    upstream.on('error', () => undefined)
    this.answered = once(upstream, 'data')
    server.once('connection', (client) => {
      sockets.push(client)
      client.on('error', () => undefined)
      client.on('data', (chunk: Buffer) => {
        const passed = isHolding ? chunk.subarray(0, left) : chunk
        left -= passed.length
        if (passed.length > 0) upstream.write(passed)
        if (passed.length < chunk.length) held.push(chunk.subarray(passed.length))
      })
      upstream.on('data', (chunk: Buffer) => {
        if (isHolding) answers.push(chunk)
        else client.write(chunk)
      })
      this.#answer = () => {
        for (const chunk of answers.splice(0)) client.write(chunk)
      }
    })
    this.#release = () => {
      isHolding = false
      for (const chunk of held) upstream.write(chunk)
      held = []
      this.#answer()
    }
    this.#end = () => {
      for (const socket of sockets) socket.destroy()
      server.close()
    }
  }

  release(): void {
    this.#release()
  }

  stop(): void {
    this.#end()
  }
}
