import { resolve } from 'node:path'
import { OneAtATime } from '../../src/collections/one-at-a-time.ts'
import { readBoundedFile } from '../../src/files/read-bounded-file.ts'
import { WatchedFiles } from '../../src/files/watched-files.ts'
import type { KeySource, KeySourceContext } from './key-source.ts'
import { keySet, publicKeys, secretKeys, type TrustedKeys } from './trusted-keys.ts'

/** The largest file that is read. */
const MAXIMUM_BYTES = 1_048_576

/** Keys in a file, which is read again when it changes. */
export class KeyFile implements KeySource {
  readonly #context: KeySourceContext
  readonly #path: string
  readonly #watched: WatchedFiles
  readonly #reads = new OneAtATime()
  #keys: TrustedKeys | undefined

  /** @throws when the file cannot be read, or holds no key that can be used. */
  static async open(context: KeySourceContext): Promise<KeyFile> {
    const file = new KeyFile(context)
    try {
      // First, so that a change while the file is read is noticed.
      await file.#watched.look()
      file.#keys = await file.#read()
      return file
    } catch (error) {
      file.stop()
      throw error
    }
  }

  private constructor(context: KeySourceContext) {
    const { secretFile, publicKeyFile, jwksFile } = context.config
    this.#context = context
    this.#path = resolve(secretFile ?? publicKeyFile ?? jwksFile!)
    // The config has one of them. What fails is logged.
    this.#watched = new WatchedFiles([this.#path], () => void this.refresh().catch(() => {}))
  }

  get keys(): TrustedKeys | undefined {
    return this.#keys
  }

  current(): TrustedKeys {
    return this.#keys!
  }

  async renew(): Promise<boolean> {
    return false
  }

  refresh(): Promise<boolean> {
    return this.#reads.run(() => this.#readAgain())
  }

  stop(): void {
    this.#watched.stop()
  }

  async #readAgain(): Promise<boolean> {
    const { log, counters, removed } = this.#context
    const before = this.#keys!
    let keys: TrustedKeys
    try {
      keys = await this.#read()
    } catch (err) {
      counters.failedLoads += 1
      log.error({ path: this.#path, err }, `Failed to read the keys in ${this.#path}; the previous keys stay in force`)
      throw err
    }
    this.#keys = keys
    const isSame = keys.ids.size === before.ids.size && [...keys.ids].every((id) => before.ids.has(id))
    if (isSame) return false
    log.info({ path: this.#path, keys: keys.ids.size }, `Read other keys from ${this.#path}`)
    if ([...before.ids].some((id) => !keys.ids.has(id))) removed()
    return true
  }

  async #read(): Promise<TrustedKeys> {
    const { config, counters } = this.#context
    try {
      const { content } = await readBoundedFile(this.#path, MAXIMUM_BYTES)
      const keys = await this.#parse(content.toString())
      counters.loads += 1
      return keys
    } catch (cause) {
      const name = config.secretFile ? 'secretFile' : config.publicKeyFile ? 'publicKeyFile' : 'jwksFile'
      throw new Error(`${name} ${this.#path} cannot be used: ${(cause as Error).message}`, { cause })
    }
  }

  #parse(text: string): TrustedKeys | Promise<TrustedKeys> {
    const { algorithms, secretFile, secretIsBase64, publicKeyFile } = this.#context.config
    if (secretFile !== undefined) return secretKeys(text.replace(/\r?\n$/, ''), secretIsBase64, algorithms)
    return publicKeyFile === undefined ? keySet(text, algorithms) : publicKeys(text, algorithms)
  }
}
