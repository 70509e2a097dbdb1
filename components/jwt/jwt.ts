import { errors, type JWTPayload, jwtVerify } from 'jose'
import { readAccessClaims } from '../../src/access/access-claims.ts'
import { Change, liveConfig, replacing, setting } from '../../src/collections/change.ts'
import { counted } from '../../src/collections/counted.ts'
import { Listeners } from '../../src/collections/listeners.ts'
import { LogInterval } from '../../src/collections/log-interval.ts'
import type {
  AuthenticatedIdentity,
  AuthenticationAnswer,
  Authenticator,
  Credentials,
} from '../../src/kinds/authenticator.ts'
import type { Logger } from '../../src/kinds/logger.ts'
import { ReplaceableLogger } from '../../src/kinds/replaceable-logger.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { isUserName } from '../../src/mqtt/user-name.ts'
import type { JwtConfig } from './config.ts'
import { type JwtCounters, newJwtCounters } from './counters.ts'
import type { KeySource } from './key-source.ts'
import { openKeySource } from './open-key-source.ts'
import { isToken } from './token.ts'
import type { TrustedKeys } from './trusted-keys.ts'

/** The value of an identity that names the key of its token. */
const KEY_VALUE = 'jwt_key'
/** How often it is logged at most that clients were refused, in milliseconds. */
const BUSY_LOG_INTERVAL_MS = 60_000

const PASS: AuthenticationAnswer = { result: 'pass' }
const BUSY: AuthenticationAnswer = {
  result: 'deny',
  why: 'too many tokens are checked (maximumVerifying)',
  reasonCode: ReasonCode.ServerBusy,
}
const WITHOUT_KEYS: AuthenticationAnswer = {
  result: 'deny',
  why: 'the keys of tokens could not be fetched',
  reasonCode: ReasonCode.ServerUnavailable,
}

interface Current {
  config: JwtConfig
  source: KeySource | undefined
}

/** Authenticates clients by signed tokens. A text that is no token is left to other authenticators; a wrong token is refused. */
export class Jwt implements Authenticator {
  readonly name: string
  readonly counters: JwtCounters = newJwtCounters()
  /** Tokens that are checked now. */
  verifying = 0
  readonly #log: ReplaceableLogger
  readonly #listeners = new Listeners()
  readonly #current: Current
  readonly #busyLog = new LogInterval(BUSY_LOG_INTERVAL_MS)

  /** @throws when a key of the config or of a file cannot be used. There is nothing to stop then. */
  static async open(name: string, config: JwtConfig, log: Logger): Promise<Jwt> {
    const jwt = new Jwt(name, config, log)
    jwt.#current.source = await jwt.#open(jwt.#current.config)
    return jwt
  }

  private constructor(name: string, config: JwtConfig, log: Logger) {
    this.name = name
    this.#current = { config: liveConfig(config), source: undefined }
    this.#log = new ReplaceableLogger(log)
  }

  get hidesUserNames(): boolean {
    return this.#current.config.tokenIn === 'userName'
  }

  /** The number of keys that are trusted. */
  get keyCount(): number {
    return this.#current.source?.keys?.ids.size ?? 0
  }

  authenticate({ clientId, userName, password }: Credentials): AuthenticationAnswer | Promise<AuthenticationAnswer> {
    const { tokenIn, maximumTokenBytes, maximumVerifying } = this.#current.config
    const text = tokenIn === 'userName' ? userName : textOf(password)
    if (text === undefined || !isToken(text, maximumTokenBytes)) {
      this.counters.passed += 1
      return PASS
    }
    if (text.length > maximumTokenBytes) return this.#denyClaims('the token is too long (maximumTokenBytes)')
    if (this.verifying >= maximumVerifying) return this.#busy()
    return this.#verify(text, clientId, tokenIn === 'userName' ? undefined : userName)
  }

  /** Whether the key of its token is still trusted. The token itself is not kept. */
  accepts({ attributes }: AuthenticatedIdentity): boolean {
    const id = attributes?.values?.[KEY_VALUE]
    return typeof id === 'string' && this.#current.source?.keys?.ids.has(id) === true
  }

  onRevocation(listener: () => void): () => void {
    return this.#listeners.add(listener)
  }

  /**
   * Prepares another config, or another content of the file with the keys. Clients whose key is not trusted any more are disconnected.
   * @throws as `open`.
   */
  async adjust(config: JwtConfig, log: Logger): Promise<Change> {
    const { config: live, source: before } = this.#current
    const logged = () => this.#log.replace(log)
    // The keys of a service that is the same stay: it need not answer now.
    if (config.jwksUrl !== undefined && keysOf(config) === keysOf(live)) {
      return new Change([replacing(live, config), logged], { done: () => this.#listeners.call() })
    }
    const opened = liveConfig(config)
    const source = await this.#open(opened)
    try {
      // No token is refused because the keys are not there yet.
      if (source.keys === undefined) await source.current()
    } catch (error) {
      source.stop()
      throw error
    }
    const stop = (): void => source.stop()
    const steps = [() => stop, setting(this.#current, { config: opened, source }), logged]
    return new Change(steps, { done: () => this.#replaced(before), discard: stop })
  }

  /**
   * Reads or fetches the keys again.
   * @returns what changed; undefined when nothing did.
   * @throws when that fails: keys of a file from before stay.
   */
  async refresh(): Promise<string | undefined> {
    const isChanged = await this.#current.source?.refresh()
    return isChanged === true ? counted(this.keyCount, 'key') : undefined
  }

  stop(): void {
    this.#current.source?.stop()
  }

  async #verify(token: string, clientId: string, userName: string | undefined): Promise<AuthenticationAnswer> {
    this.verifying += 1
    try {
      let keys: TrustedKeys
      try {
        keys = await this.#current.source!.current()
      } catch {
        return this.#withoutKeys()
      }
      const verified = await this.#check(token, keys)
      return 'result' in verified ? verified : this.#answer(verified.payload, verified.keyId, clientId, userName)
    } finally {
      this.verifying -= 1
    }
  }

  async #check(
    token: string,
    keys: TrustedKeys,
    isRenewed = false,
  ): Promise<AuthenticationAnswer | { readonly payload: JWTPayload; readonly keyId: string }> {
    const { algorithms, issuer, audience, clockToleranceSeconds, requireExpiry } = this.#current.config
    try {
      const { payload, key } = await jwtVerify(token, keys.find, {
        algorithms,
        issuer,
        audience,
        clockTolerance: clockToleranceSeconds,
        requiredClaims: requireExpiry ? ['exp'] : [],
      })
      return { payload, keyId: await keys.idOf(key) }
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || isRenewed) return this.#deny(error)
      let others: TrustedKeys | undefined
      try {
        if (await this.#current.source!.renew()) others = this.#current.source!.keys
      } catch {
        return this.#withoutKeys()
      }
      return others === undefined ? this.#deny(error) : this.#check(token, others, true)
    }
  }

  #answer(payload: JWTPayload, keyId: string, clientId: string, userName: string | undefined): AuthenticationAnswer {
    const { claims, userNameMustMatch, disconnectAfterExpiry, clockToleranceSeconds } = this.#current.config
    const name = claimOf(payload, claims.userName)
    if (!isUserName(name)) return this.#denyClaims(`the claim ${claims.userName} of the token is no user name`)
    if (userNameMustMatch && userName !== undefined && userName !== name) {
      return this.#denyClaims('the User Name of CONNECT is not that of the token')
    }
    if (claims.clientId !== undefined && claimOf(payload, claims.clientId) !== clientId) {
      return this.#denyClaims('the Client Identifier is not that of the token')
    }
    const access = readAccessClaims({
      isSuperuser: claimOf(payload, claims.isSuperuser),
      groups: claimOf(payload, claims.groups),
      clientAttributes: claimOf(payload, claims.clientAttributes),
      acl: claimOf(payload, claims.acl),
    })
    if (typeof access === 'string') return this.#denyClaims(`the token cannot be used: ${access}`)
    const attributes = { ...access, values: { ...access.values, [KEY_VALUE]: keyId } }
    this.counters.allowed += 1
    if (!disconnectAfterExpiry || payload.exp === undefined) return { result: 'allow', userName: name, attributes }
    const expiresAtMs = (payload.exp + clockToleranceSeconds) * 1_000
    return { result: 'allow', userName: name, attributes, expiresAtMs }
  }

  /** @param error of jose: its code and claim are named, never the token. */
  #deny(error: unknown): AuthenticationAnswer {
    if (
      error instanceof errors.JWTExpired ||
      (error instanceof errors.JWTClaimValidationFailed && error.claim === 'nbf')
    ) {
      this.counters.badTimes += 1
      return { result: 'deny', why: `the token is not valid now (${error.claim})` }
    }
    if (error instanceof errors.JWTClaimValidationFailed) {
      return this.#denyClaims(`the claim ${error.claim} of the token is missing or wrong`)
    }
    this.counters.badSignatures += 1
    return { result: 'deny', why: `the token is not signed as it must be: ${problemOf(error)}` }
  }

  #denyClaims(why: string): AuthenticationAnswer {
    this.counters.badClaims += 1
    return { result: 'deny', why }
  }

  #withoutKeys(): AuthenticationAnswer {
    this.counters.withoutKeys += 1
    return WITHOUT_KEYS
  }

  #busy(): AuthenticationAnswer {
    this.counters.refusedBusy += 1
    if (this.#busyLog.begin()) {
      this.#log.warn(
        { refused: this.counters.refusedBusy, verifying: this.verifying },
        `Clients were refused with Server busy (0x89): ${this.verifying} tokens are checked (maximumVerifying)`,
      )
    }
    return BUSY
  }

  #replaced(before: KeySource | undefined): void {
    before?.stop()
    this.#listeners.call()
  }

  #open(config: JwtConfig): Promise<KeySource> {
    const removed = () => this.#listeners.call()
    return openKeySource({ config, log: this.#log, counters: this.counters, removed })
  }
}

/** The values that say where the keys come from, and which of them count. */
const keysOf = ({ jwksUrl, jwksHeaders, algorithms }: JwtConfig): string =>
  JSON.stringify([jwksUrl?.href, jwksHeaders, algorithms])

/** Characters of a token are ASCII; other bytes become characters that no token has. */
const textOf = (password: Uint8Array | undefined): string | undefined =>
  password === undefined
    ? undefined
    : Buffer.from(password.buffer, password.byteOffset, password.length).toString('latin1')

/** A claim of the token itself, never of its prototype. */
const claimOf = (payload: JWTPayload, name: string): unknown =>
  Object.hasOwn(payload, name) ? payload[name] : undefined

const problemOf = (error: unknown): string => (error instanceof errors.JOSEError ? error.code : (error as Error).name)
