import { createHmac, randomBytes } from 'node:crypto'
import { Change, liveConfig, replacing, setting } from '../../src/collections/change.ts'
import { counted } from '../../src/collections/counted.ts'
import { ExpiringCache } from '../../src/collections/expiring-cache.ts'
import { FairQueue } from '../../src/collections/fair-queue.ts'
import { LogInterval } from '../../src/collections/log-interval.ts'
import type { AuthenticationAnswer, Authenticator, Credentials } from '../../src/kinds/authenticator.ts'
import type { Logger } from '../../src/kinds/logger.ts'
import { ReplaceableLogger } from '../../src/kinds/replaceable-logger.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { sourceOf } from '../../src/network/address-key.ts'
import { readBoundedBody } from '../../src/network/read-bounded-body.ts'
import { CircuitBreaker } from './circuit-breaker.ts'
import type { HttpAuthenticationConfig } from './config.ts'
import { type HttpAuthenticationCounters, newHttpAuthenticationCounters } from './counters.ts'
import { type RequestValues, renderRequest, requestValues } from './request-template.ts'
import { type Outcome, readAnswer } from './service-answer.ts'

/** What an answer takes in the cache besides its own bytes. */
const VALUE_BYTES = 300
/** How often each kind of failure is logged at most, in milliseconds. */
const LOG_INTERVAL_MS = 60_000

const PASS: AuthenticationAnswer = { result: 'pass' }
const NOT_TEXT: AuthenticationAnswer = { result: 'deny', why: 'the password is not UTF-8' }
const UNAVAILABLE: AuthenticationAnswer = {
  result: 'deny',
  why: 'the service does not answer',
  reasonCode: ReasonCode.ServerUnavailable,
}
const BUSY: AuthenticationAnswer = {
  result: 'deny',
  why: 'too many clients wait for the service',
  reasonCode: ReasonCode.ServerBusy,
}

/** What the service is asked about a client. */
interface ServiceRequest {
  /** The name of the answer in the cache. */
  readonly key: string
  readonly values: RequestValues
  readonly userName: string | undefined
  /** It is the trial request of the breaker. */
  readonly isTrial: boolean
  /** When the answer is too late. */
  readonly deadlineMs: number
}

/** Authenticates clients by asking a service over HTTP. A client is accepted only by an answer that is complete and valid. */
export class HttpAuthentication implements Authenticator {
  readonly name: string
  readonly counters: HttpAuthenticationCounters = newHttpAuthenticationCounters()
  readonly #config: HttpAuthenticationConfig
  readonly #log: ReplaceableLogger
  readonly #nowMs: () => number
  readonly #queue: FairQueue
  readonly #service: ServiceState
  readonly #aborts = new Set<AbortController>()
  /** Without this secret, the key of an answer cannot be used to guess the password. */
  readonly #secret = randomBytes(32)
  /** Raised when the answers that are kept are forgotten. */
  #generation = 0
  #isStopped = false
  readonly #failureLog: LogInterval
  readonly #unusableLog: LogInterval
  readonly #busyLog: LogInterval

  /** @param nowMs a clock that only goes forward. */
  constructor(
    name: string,
    config: HttpAuthenticationConfig,
    log: Logger,
    nowMs: () => number = () => performance.now(),
  ) {
    this.name = name
    this.#config = liveConfig(config)
    this.#log = new ReplaceableLogger(log)
    this.#nowMs = nowMs
    this.#failureLog = new LogInterval(LOG_INTERVAL_MS, nowMs)
    this.#unusableLog = new LogInterval(LOG_INTERVAL_MS, nowMs)
    this.#busyLog = new LogInterval(LOG_INTERVAL_MS, nowMs)
    this.#queue = new FairQueue(boundsOf(config).queue)
    this.#service = stateOf(config, nowMs)
  }

  /** Prepares another config. What is known of a service is forgotten if it is asked another question, or another service is. */
  adjust(config: HttpAuthenticationConfig, log: Logger): Change {
    const { queue, breaker, allowed, refused } = boundsOf(config)
    const state = this.#service
    const other = questionOf(config) === questionOf(this.#config) ? undefined : stateOf(config, this.#nowMs)
    return new Change([
      replacing(this.#config, config),
      () => this.#log.replace(log),
      () => this.#queue.adjust(queue),
      ...(other === undefined
        ? [
            () => state.breaker.adjust(...breaker),
            () => state.allowed.adjust(allowed),
            () => state.refused.adjust(refused),
          ]
        : [setting(state, other)]),
    ])
  }

  get requesting(): number {
    return this.#queue.running
  }

  get queued(): number {
    return this.#queue.queued
  }

  get cached(): number {
    return this.#service.allowed.size + this.#service.refused.size
  }

  get cachedBytes(): number {
    return this.#service.allowed.bytes + this.#service.refused.bytes
  }

  /** Whether the service is not asked since it fails. */
  get isOpen(): boolean {
    return this.#service.breaker.isOpen
  }

  authenticate(credentials: Credentials): AuthenticationAnswer | Promise<AuthenticationAnswer> {
    const { userName, password } = credentials
    if (userName === undefined && password === undefined && !this.#config.withoutCredentials) return PASS
    const values = requestValues(credentials)
    if (values === undefined) return NOT_TEXT
    const key = this.#keyOf(credentials, values)
    const known = this.#service.allowed.get(key) ?? this.#service.refused.get(key)
    if (known !== undefined && !hasExpired(known)) {
      this.counters.fromCache += 1
      return this.#count(known)
    }
    const { pending: allPending } = this.#service
    const pending = allPending.get(key)
    if (pending !== undefined) {
      this.counters.joined += 1
      return pending.then((answer) => this.#count(answer))
    }
    const asked = this.#ask(key, values, credentials)
    if (!(asked instanceof Promise)) return this.#count(asked)
    const answer = asked.finally(() => allPending.delete(key))
    allPending.set(key, answer)
    return answer.then((found) => this.#count(found))
  }

  /** Forgets the answers that are kept: the service is asked again about each client that connects. */
  refresh(): string | undefined {
    const { cached } = this
    this.#generation += 1
    this.#service.allowed.clear()
    this.#service.refused.clear()
    return cached === 0 ? undefined : `${counted(cached, 'answer')} forgotten`
  }

  /** Ends the requests. The clients that wait for them are refused. */
  stop(): void {
    this.#isStopped = true
    this.#queue.clear()
    for (const abort of this.#aborts) abort.abort()
  }

  #ask(
    key: string,
    values: RequestValues,
    { userName, peer }: Credentials,
  ): AuthenticationAnswer | Promise<AuthenticationAnswer> {
    if (this.#isStopped || !this.#service.breaker.allows()) return this.#refuseOpen()
    const isTrial = this.#service.breaker.isOpen
    const request = { key, values, userName, isTrial, deadlineMs: this.#nowMs() + this.#config.timeoutMs }
    return this.#enqueue(request, sourceOf(peer))
  }

  async #enqueue(request: ServiceRequest, source: string): Promise<AuthenticationAnswer> {
    const answer = await this.#queue.run(source, () => this.#requestUnlessLate(request))
    if (answer !== undefined) return answer
    if (request.isTrial) this.#service.breaker.abandoned()
    return this.#isStopped ? UNAVAILABLE : this.#refuseBusy()
  }

  /** The service may have failed, and the client may have gone, while the request was in the queue. */
  async #requestUnlessLate(request: ServiceRequest): Promise<AuthenticationAnswer> {
    const { isTrial, deadlineMs } = request
    const isLate = this.#nowMs() >= deadlineMs
    if (!isLate && (isTrial || !this.#service.breaker.isOpen)) return this.#request(request)
    if (isTrial) this.#service.breaker.abandoned()
    return isLate ? this.#refuseBusy() : this.#refuseOpen()
  }

  /** Asks the service. */
  async #request({ key, values, userName, deadlineMs }: ServiceRequest): Promise<AuthenticationAnswer> {
    const generation = this.#generation
    const { allowed, refused } = this.#service
    const abort = new AbortController()
    const timer = setTimeout(() => abort.abort(), Math.max(1, deadlineMs - this.#nowMs())).unref()
    this.#aborts.add(abort)
    this.counters.requests += 1
    let outcome: Outcome
    try {
      outcome = await this.#send(renderRequest(this.#config.body, values), userName, abort.signal)
    } catch (error) {
      outcome = { kind: 'failure', problem: this.#problemOf(error, abort.signal) }
    } finally {
      clearTimeout(timer)
      this.#aborts.delete(abort)
    }
    if (outcome.kind === 'failure') return this.#failed(outcome.problem)
    this.#succeeded(outcome.problem)
    const { answer, bytes } = outcome
    // An answer from before the answers were forgotten may be out of date.
    if (generation === this.#generation)
      (answer.result === 'allow' ? allowed : refused).set(key, answer, bytes + VALUE_BYTES)
    return answer
  }

  async #send(body: string, userName: string | undefined, signal: AbortSignal): Promise<Outcome> {
    const { url, headers, maximumAnswerBytes } = this.#config
    const response = await fetch(url, {
      method: 'POST',
      headers: { accept: 'application/json', ...headers, 'content-type': 'application/json' },
      body,
      redirect: 'error',
      signal,
    })
    if (response.status !== 200) await response.body?.cancel()
    const answer = response.status === 200 ? await readBoundedBody(response, maximumAnswerBytes) : new Uint8Array(0)
    return readAnswer(response.status, answer, userName)
  }

  #succeeded(problem: string | undefined): void {
    if (this.#service.breaker.succeeded()) {
      this.#log.info(
        { url: this.#config.url.href },
        `The authentication service answers again: ${this.#config.url.href}`,
      )
    }
    if (problem === undefined) return
    this.counters.unusable += 1
    if (!this.#unusableLog.begin()) return
    this.#log.error(
      { url: this.#config.url.href, problem, unusable: this.counters.unusable },
      `The authentication service gave an answer that cannot be used: ${problem}. The client is refused`,
    )
  }

  #failed(problem: string): AuthenticationAnswer {
    if (this.#isStopped) return UNAVAILABLE
    this.counters.failures += 1
    const { url, breakerSeconds, breakerFailures } = this.#config
    const details = { url: url.href, problem, failures: this.counters.failures }
    if (this.#service.breaker.failed()) {
      this.counters.opened += 1
      const pause = `Clients are refused for ${breakerSeconds} s (breakerSeconds) after ${breakerFailures} failures in a row`
      this.#log.error(details, `The authentication service failed: ${problem}. ${pause}`)
    } else if (!this.#service.breaker.isOpen && this.#failureLog.begin()) {
      this.#log.error(details, `The authentication service failed: ${problem}. The client is refused`)
    }
    return UNAVAILABLE
  }

  #refuseOpen(): AuthenticationAnswer {
    this.counters.refusedOpen += 1
    return UNAVAILABLE
  }

  #refuseBusy(): AuthenticationAnswer {
    this.counters.refusedBusy += 1
    if (this.#busyLog.begin()) {
      this.#log.warn(
        { refused: this.counters.refusedBusy, queued: this.queued },
        'Clients were refused with Server busy (0x89): too many wait for the authentication service (maximumRequests, maximumQueued)',
      )
    }
    return BUSY
  }

  #count(answer: AuthenticationAnswer): AuthenticationAnswer {
    if (answer.result === 'allow') this.counters.allowed += 1
    else if (answer.result === 'pass') this.counters.ignored += 1
    else this.counters.denied += 1
    return answer
  }

  /** An error of the network: its cause says more. Neither holds what was sent. */
  #problemOf(error: unknown, signal: AbortSignal): string {
    if (signal.aborted) return `no answer within timeoutMs, ${this.#config.timeoutMs} ms`
    const { message, cause } = error as Error
    return cause instanceof Error && cause.message !== '' ? `${message}: ${cause.message}` : message
  }

  /** Contains everything that an answer may depend on. Each part has its length before it, so that two clients never have the same text. */
  #keyOf({ userName, password }: Credentials, values: RequestValues): string {
    const hmac = createHmac('sha256', this.#secret)
    hmac.update(`${userName === undefined ? '-' : '+'}${password === undefined ? '-' : '+'}`)
    for (const value of Object.values(values)) {
      const bytes = Buffer.from(value)
      hmac.update(`${bytes.length}:`).update(bytes)
    }
    return hmac.digest('base64')
  }
}

/** What is known of a service, and asked of it. */
interface ServiceState {
  breaker: CircuitBreaker
  allowed: ExpiringCache<AuthenticationAnswer>
  /** On its own, so that guessed passwords do not displace answers that allow. */
  refused: ExpiringCache<AuthenticationAnswer>
  /** The requests that are under way or wait, one for each client. */
  pending: Map<string, Promise<AuthenticationAnswer>>
}

const stateOf = (config: HttpAuthenticationConfig, nowMs: () => number): ServiceState => {
  const { breaker, allowed, refused } = boundsOf(config)
  return {
    breaker: new CircuitBreaker(...breaker, nowMs),
    allowed: new ExpiringCache({ ...allowed, nowMs }),
    refused: new ExpiringCache({ ...refused, nowMs }),
    pending: new Map(),
  }
}

const boundsOf = (config: HttpAuthenticationConfig) => {
  const cache = { maximum: config.maximumCached, maximumBytes: config.maximumCachedBytes }
  return {
    queue: { maximumRunning: config.maximumRequests, maximumQueued: config.maximumQueued },
    breaker: [config.breakerFailures, config.breakerSeconds * 1_000] as const,
    allowed: { ...cache, durationMs: config.cacheSeconds * 1_000 },
    refused: { ...cache, durationMs: config.negativeCacheSeconds * 1_000 },
  }
}

/** What answers depend on. */
const questionOf = ({ url, headers, body }: HttpAuthenticationConfig): string =>
  JSON.stringify([url.href, headers, body])

/** Whether the service said that the client may be connected until a time that is over: it may say another one now. */
const hasExpired = (answer: AuthenticationAnswer): boolean =>
  answer.result === 'allow' && answer.expiresAtMs !== undefined && answer.expiresAtMs <= Date.now()
