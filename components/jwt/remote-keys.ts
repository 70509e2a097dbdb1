import { readBoundedBody } from '../../src/network/read-bounded-body.ts'
import type { KeySource, KeySourceContext } from './key-source.ts'
import { keySet, type TrustedKeys } from './trusted-keys.ts'

/** The largest key set that is read. */
const MAXIMUM_BYTES = 262_144
/** How often it is logged at most that keys could not be fetched, in milliseconds. */
const LOG_INTERVAL_MS = 60_000

/**
 * Keys that are fetched from a service, one request at a time. Without keys that are new enough no token is right: it is not known
 * whether they are still trusted.
 */
export class RemoteKeys implements KeySource {
  readonly #url: URL
  readonly #context: KeySourceContext
  readonly #nowMs: () => number
  readonly #stopped = new AbortController()
  #keys: TrustedKeys | undefined
  #fetchedAtMs = Number.NEGATIVE_INFINITY
  /** The last fetch failed then. */
  #failedAtMs = Number.NEGATIVE_INFINITY
  #loggedAtMs = Number.NEGATIVE_INFINITY
  #fetching: Promise<boolean> | undefined

  /** Begins to fetch the keys. Does not wait for them, as the service may need this broker, or be down. */
  static open(url: URL, context: KeySourceContext): RemoteKeys {
    const keys = new RemoteKeys(url, context)
    // What fails is logged.
    keys.refresh().catch(() => {})
    return keys
  }

  /** @param nowMs a clock that only goes forward. */
  constructor(url: URL, context: KeySourceContext, nowMs: () => number = () => performance.now()) {
    this.#url = url
    this.#context = context
    this.#nowMs = nowMs
  }

  get keys(): TrustedKeys | undefined {
    return this.#keys
  }

  async current(): Promise<TrustedKeys> {
    const { jwksCacheSeconds } = this.#context.config
    if (this.#nowMs() - this.#fetchedAtMs >= jwksCacheSeconds * 1_000) await this.#fetchUnlessFailed()
    return this.#keys!
  }

  /** A random key identifier cannot make it fetch without end. */
  async renew(): Promise<boolean> {
    const { jwksCooldownSeconds } = this.#context.config
    if (this.#nowMs() - this.#fetchedAtMs < jwksCooldownSeconds * 1_000) return false
    await this.#fetchUnlessFailed()
    return true
  }

  refresh(): Promise<boolean> {
    this.#fetching ??= this.#fetch().finally(() => {
      this.#fetching = undefined
    })
    return this.#fetching
  }

  stop(): void {
    this.#stopped.abort(new Error('the broker stops'))
  }

  async #fetchUnlessFailed(): Promise<void> {
    const { jwksCooldownSeconds } = this.#context.config
    if (this.#fetching === undefined && this.#nowMs() - this.#failedAtMs < jwksCooldownSeconds * 1_000) {
      throw new Error(`the keys could not be fetched less than ${jwksCooldownSeconds} s ago`)
    }
    await this.refresh()
  }

  async #fetch(): Promise<boolean> {
    const { log, counters, config, removed } = this.#context
    const before = this.#keys?.ids ?? new Set()
    try {
      const keys = await keySet(await this.#request(), config.algorithms)
      this.#keys = keys
      this.#fetchedAtMs = this.#nowMs()
      this.#failedAtMs = Number.NEGATIVE_INFINITY
      counters.loads += 1
      const isSame = keys.ids.size === before.size && [...keys.ids].every((id) => before.has(id))
      if (isSame) return false
      log.info({ url: this.#url.href, keys: keys.ids.size }, `Fetched other keys from ${this.#url.href}`)
      if ([...before].some((id) => !keys.ids.has(id as string))) removed()
      return true
    } catch (err) {
      counters.failedLoads += 1
      this.#failedAtMs = this.#nowMs()
      this.#logFailure(err)
      throw err
    }
  }

  async #request(): Promise<string> {
    const { jwksHeaders, jwksTimeoutMs } = this.#context.config
    const signal = AbortSignal.any([this.#stopped.signal, AbortSignal.timeout(jwksTimeoutMs)])
    const headers = { accept: 'application/jwk-set+json, application/json', ...jwksHeaders }
    const response = await fetch(this.#url, { headers, redirect: 'error', signal })
    if (response.status !== 200) {
      await response.body?.cancel()
      throw new Error(`the answer has status ${response.status}, not 200`)
    }
    return (await readBoundedBody(response, MAXIMUM_BYTES)).toString()
  }

  #logFailure(err: unknown): void {
    if (this.#stopped.signal.aborted) return
    const nowMs = this.#nowMs()
    if (nowMs - this.#loggedAtMs < LOG_INTERVAL_MS) return
    this.#loggedAtMs = nowMs
    const { log, counters } = this.#context
    const { href } = this.#url
    log.error(
      { url: href, failures: counters.failedLoads, err },
      `Failed to fetch the keys of tokens from ${href}. Without keys that are new enough every token is refused`,
    )
  }
}
