import { z } from 'zod'
import { formatCredential } from '../../components/scram-sha-256/credential.ts'
import { deriveKeys } from '../../components/scram-sha-256/keys.ts'
import type { TopicRulesConfig } from '../../components/topic-rules/rule.ts'
import { AuthenticationMethod } from '../../src/kinds/authentication-method.ts'
import { Logger } from '../../src/kinds/logger.ts'
import { defineComponent, defineSystem } from '../../src/system/define-system.ts'
import { AuthenticatingPeer } from './authenticating-peer.ts'
import { brokenMethod, ControlledMethod } from './controlled-method.ts'
import { RecordingLogger } from './recording-logger.ts'
import { quietSystem, startBroker, withConfig } from './start-broker.ts'

/** The users of the broker, as `ScramClient` wants them. */
export const ann = { user: 'ann', password: 'pencil' }
export const bob = { user: 'bob', password: 'eraser' }

/**
 * A broker with SCRAM, methods that misbehave, and topics that belong to users: who is ann may use `users/ann/#`, and
 * everybody `open/#`.
 */
export class AuthenticatingBroker {
  readonly log: RecordingLogger
  readonly controlled: ControlledMethod
  readonly #broker: Awaited<ReturnType<typeof startBroker>>
  readonly #peers: AuthenticatingPeer[] = []

  private constructor(
    broker: Awaited<ReturnType<typeof startBroker>>,
    log: RecordingLogger,
    controlled: ControlledMethod,
  ) {
    this.#broker = broker
    this.log = log
    this.controlled = controlled
  }

  /** @param handler config of mqttHandler. @param config of topicRules. @param server config of server. */
  static async start(
    handler: object = {},
    config: TopicRulesConfig = rules,
    server: object = {},
  ): Promise<AuthenticatingBroker> {
    const log = new RecordingLogger()
    const controlled = new ControlledMethod()
    const users = Object.fromEntries(await Promise.all([ann, bob].map(credentialOf)))
    const methods = {
      controlled: method(controlled),
      throwing: method(brokenMethod('THROWING', fail)),
      rejecting: method(brokenMethod('REJECTING', async () => fail())),
      neverBegins: method(brokenMethod('NEVER-BEGINS', fail, fail)),
      nonsense: method(brokenMethod('NONSENSE', async () => ({ result: 'continue' }) as never)),
    }
    const broker = await startBroker(
      defineSystem({
        ...quietSystem,
        ...methods,
        logger: { component: defineComponent({ ...nothing, provides: Logger, start: () => log }) },
        scramSha256: { ...quietSystem.scramSha256, enabled: true, config: { users } },
        topicRules: { ...quietSystem.topicRules, enabled: true, config },
        server: { ...quietSystem.server, config: { ...quietSystem.server.config, ...server } },
        ...withConfig(handler),
        mqttHandler: {
          ...withConfig(handler).mqttHandler,
          dependencies: {
            ...quietSystem.mqttHandler.dependencies!,
            authenticationMethods: ['scramSha256', ...(Object.keys(methods) as (keyof typeof methods)[])],
          },
        },
      }),
    )
    return new AuthenticatingBroker(broker, log, controlled)
  }

  get port(): number {
    return this.#broker.port
  }

  /** The Client Identifiers that have a session. */
  get sessions(): string[] {
    return [...this.#broker.map.broker.sessions()].map(({ id }) => id)
  }

  async open(): Promise<AuthenticatingPeer> {
    const peer = await AuthenticatingPeer.open(this.port)
    this.#peers.push(peer)
    return peer
  }

  /** A client that is connected, as ann unless told otherwise. */
  async connected(clientId = 'client', user = ann): Promise<AuthenticatingPeer> {
    const peer = await this.open()
    const { verdict } = await peer.authenticate(user, { clientId })
    if (verdict.reasonCode !== 0) throw new Error(`not connected: ${verdict.cmd} ${verdict.reasonCode}`)
    return peer
  }

  async stop(): Promise<void> {
    for (const { socket } of this.#peers) socket.destroy()
    await this.#broker.stop()
  }
}

const nothing = { needs: {}, config: z.strictObject({}) }

const method = (instance: AuthenticationMethod) => ({
  component: defineComponent({ ...nothing, provides: AuthenticationMethod, start: () => instance }),
})

const fail = (): never => {
  throw new Error('no good')
}

const rules: TopicRulesConfig = {
  rules: [
    { action: 'all', filter: 'open/#', allow: true },
    { action: 'all', filter: 'users/%u/#', allow: true },
  ],
  default: 'deny',
}

const credentialOf = async ({ user, password }: typeof ann): Promise<[string, string]> => {
  const salt = Buffer.from(`the salt of ${user}`)
  return [user, formatCredential({ iterations: 4_096, salt, ...(await deriveKeys(password, salt, 4_096)) })]
}
