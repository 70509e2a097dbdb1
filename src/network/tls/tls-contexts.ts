import type { SecureContext } from 'node:tls'
import { WatchedFiles } from '../../files/watched-files.ts'
import type { Logger } from '../../kinds/logger.ts'
import type { Adjustment } from '../../system/define-system.ts'
import { refused } from '../adjustments.ts'
import { ExpiryWatch } from './expiry-watch.ts'
import { type LoadedTls, loadTls, tlsFiles } from './load-tls.ts'
import type { TlsOptions } from './tls-config.ts'

/** What is counted of the files. */
export type TlsCounts = Pick<TlsContexts, 'reloads' | 'failedReloads'>

/** Told when the files were loaded again. Must not throw. */
export type TlsReloaded = (loaded: LoadedTls) => void

/** The certificates of a listener, which are loaded again when their files change. */
export class TlsContexts {
  /** Times that changed files were loaded, since the start. */
  reloads = 0
  /** Times that changed files could not be loaded, since the start: the certificates before them stay. */
  failedReloads = 0
  #config: TlsOptions
  readonly #log: Logger
  #watched: WatchedFiles
  readonly #expiry: ExpiryWatch
  readonly #users: TlsReloaded[] = []
  #current!: LoadedTls
  #byName: ReadonlyMap<string, SecureContext> = new Map()
  #loading: Promise<unknown> = Promise.resolve()
  #isStopped = false

  private constructor(config: TlsOptions, log: Logger) {
    this.#config = config
    this.#log = log
    this.#watched = this.#watch(config)
    this.#expiry = new ExpiryWatch(log)
  }

  /**
   * Reads the files of a config, and watches them from now on.
   * @throws an Error that names the file and what is wrong with it. Nothing is watched then.
   */
  static async open(config: TlsOptions, log: Logger): Promise<TlsContexts> {
    const contexts = new TlsContexts(config, log)
    try {
      // Before the files are read: a change meanwhile is then found by the next look.
      await contexts.#watched.look()
      contexts.#use(await loadTls(config))
    } catch (error) {
      contexts.stop()
      throw error
    }
    return contexts
  }

  get current(): LoadedTls {
    return this.#current
  }

  /** The context for a server name; undefined for the default. */
  contextFor(serverName: string): SecureContext | undefined {
    const name = serverName.toLowerCase()
    return this.#byName.get(name) ?? this.#byName.get(name.replace(/^[^.]+/, '*'))
  }

  /** Tells a user of each reload from now on. */
  onReload(reloaded: TlsReloaded): void {
    this.#users.push(reloaded)
  }

  /**
   * Loads the files again, whether they changed or not. If that fails, what was loaded before stays in force, and a line of the log says
   * what is wrong. Never rejects.
   * @returns whether it was loaded.
   */
  reload(): Promise<boolean> {
    const loading = this.#loading.then(() => this.#reload())
    this.#loading = loading
    return loading
  }

  /**
   * The same, for an operator who asks for it.
   * @returns what was loaded. @throws when it failed: what was loaded before stays in force.
   */
  async refresh(): Promise<string> {
    if (!(await this.reload())) throw new Error('The certificates were not reloaded; the log says why.')
    return `certificates reloaded: ${this.#current.certificates.map(({ file }) => file).join(', ')}`
  }

  /** For the object that counts on. */
  counts(): TlsCounts {
    return { reloads: this.reloads, failedReloads: this.failedReloads }
  }

  /** Counts on for another object. */
  continueFrom({ reloads, failedReloads }: TlsCounts): void {
    this.reloads += reloads
    this.failedReloads += failedReloads
  }

  /** Looks at the files now instead of at the next interval. Resolves when changed files were loaded. */
  async look(): Promise<void> {
    await this.#watched.look()
    await this.#loading
  }

  /**
   * Prepares the change to another config: reads its files, which are checked before anything changes. Connections keep the certificate
   * that they began with.
   * @returns an adjustment that is refused if they are not right.
   */
  async prepare(config: TlsOptions): Promise<Adjustment> {
    const watched = this.#watch(config)
    try {
      await watched.look()
      const loaded = await loadTls(config)
      return this.#changeTo(config, loaded, watched)
    } catch (error) {
      watched.stop()
      return refused(error)
    }
  }

  #changeTo(config: TlsOptions, loaded: LoadedTls, watched: WatchedFiles): Adjustment {
    let before = { config: this.#config, loaded: this.#current, watched: this.#watched }
    const stop = (): void => watched.stop()
    const use = (to: typeof before): void => {
      this.#config = to.config
      this.#watched = to.watched
      this.#use(to.loaded)
      this.#tellUsers()
    }
    return {
      commit: () => {
        before = { config: this.#config, loaded: this.#current, watched: this.#watched }
        use({ config, loaded, watched })
      },
      undo: () => {
        use(before)
        stop()
      },
      done: () => before.watched.stop(),
      discard: stop,
    }
  }

  #watch(config: TlsOptions): WatchedFiles {
    const { reloadIntervalMs } = config
    return new WatchedFiles(tlsFiles(config), () => void this.reload(), { intervalMs: reloadIntervalMs })
  }

  stop(): void {
    this.#isStopped = true
    this.#watched.stop()
    this.#expiry.stop()
  }

  async #reload(): Promise<boolean> {
    try {
      const config = this.#config
      const loaded = await loadTls(config)
      if (this.#isStopped || config !== this.#config) return false
      this.#use(loaded)
    } catch (error) {
      this.failedReloads += 1
      this.#log.error(
        { err: error },
        `Certificates were not reloaded, those loaded before stay in force: ${(error as Error).message}`,
      )
      return false
    }
    this.reloads += 1
    const { certificates, revoked } = this.#current
    const files = certificates.map(({ file }) => file)
    this.#log.info({ certificates: files, revoked: revoked.size }, `Certificates reloaded: ${files.join(', ')}`)
    this.#tellUsers()
    return true
  }

  #tellUsers(): void {
    for (const reloaded of this.#users) reloaded(this.#current)
  }

  #use(loaded: LoadedTls): void {
    this.#current = loaded
    const byName = new Map<string, SecureContext>()
    // Of several certificates for a name, the first has it.
    for (const { names, context } of loaded.certificates) {
      for (const name of names) if (!byName.has(name)) byName.set(name, context)
    }
    this.#byName = byName
    const certificates = loaded.certificates.map(({ file, expiresAtMs }) => ({
      what: `Certificate ${file}`,
      expiresAtMs,
      consequence: 'Clients refuse an expired certificate. Renew it; the new files are loaded by themselves',
    }))
    const { nextUpdateMs } = loaded.revoked
    const lists = {
      what: 'The certificate revocation list',
      consequence: 'Every client certificate is refused once a list is out of date. Publish a new one',
    }
    this.#expiry.watch(
      nextUpdateMs === undefined ? certificates : [...certificates, { ...lists, expiresAtMs: nextUpdateMs }],
    )
  }
}
