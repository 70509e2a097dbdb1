import type { AccessRule } from '../../src/access/access-rule.ts'
import { AccessRules } from '../../src/access/access-rules.ts'
import { Change } from '../../src/collections/change.ts'
import { counted } from '../../src/collections/counted.ts'
import { Listeners } from '../../src/collections/listeners.ts'
import { OneAtATime } from '../../src/collections/one-at-a-time.ts'
import { readBoundedFile } from '../../src/files/read-bounded-file.ts'
import { statesOf, WatchedFiles } from '../../src/files/watched-files.ts'
import type { Logger } from '../../src/kinds/logger.ts'
import type { AclFileConfig } from './config.ts'
import { parseAcl } from './parse-acl.ts'

/** Lines of a file that a message names. */
const NAMED_LINES = 100

/** Events since the start, for operators. */
export interface AclFileCounters {
  /** The file was read again, and its rules are in force. */
  reloads: number
  /** The file was read again and refused. */
  failedReloads: number
}

/** Access control by an ACL file of mosquitto, which is read again when it changes. */
export class AclFile extends AccessRules {
  readonly counters: AclFileCounters = { reloads: 0, failedReloads: 0 }
  #config: AclFileConfig
  #log: Logger
  #files: WatchedFiles
  readonly #changed = new Listeners()
  readonly #reads = new OneAtATime()
  #isStopped = false

  private constructor(config: AclFileConfig, log: Logger) {
    // What a filter with wildcards matches beyond the rules is held back at each delivery.
    super([], { otherwise: 'deny', match: 'partial' })
    this.#config = config
    this.#log = log
    this.#files = this.#watch(config)
  }

  /** Reads the file. Rejects with all that is wrong with it. */
  static async open(config: AclFileConfig, log: Logger): Promise<AclFile> {
    const own = new AclFile(config, log)
    try {
      // Before it is read, so that no later change is missed.
      await own.#files.look()
      own.replace(await readRules(config))
      return own
    } catch (error) {
      own.stop()
      throw error
    }
  }

  onChange(listener: () => void): () => void {
    return this.#changed.add(listener)
  }

  /**
   * Prepares another config, or other content of the file.
   * @throws an Error if the file cannot be read.
   */
  async adjust(config: AclFileConfig, log: Logger): Promise<Change> {
    const before = this.#files
    const known = await statesOf([config.file])
    const rules = await readRules(config)
    return new Change([() => this.replace(rules), () => this.#replaceConfig(config, log, known)], {
      done: () => {
        before.stop()
        this.#changed.call()
      },
    })
  }

  /** Looks at the file now, and reads it again if it has changed. Never rejects. */
  async look(): Promise<void> {
    await this.#files.look()
    await this.#reads.settled()
  }

  /**
   * Reads the file again.
   * @returns what was read, for an operator.
   * @throws an Error if the file cannot be read: the previous rules stay in force. That is logged as well.
   */
  refresh(): Promise<string> {
    return this.#reads.run(() => this.#read())
  }

  stop(): void {
    this.#isStopped = true
    this.#changed.clear()
    this.#files.stop()
  }

  #replaceConfig(config: AclFileConfig, log: Logger, known: readonly string[]): () => void {
    const before = { config: this.#config, log: this.#log, files: this.#files }
    this.#config = config
    this.#log = log
    this.#files = this.#watch(config, known)
    return () => {
      this.#files.stop()
      this.#config = before.config
      this.#log = before.log
      this.#files = before.files
    }
  }

  #watch({ file, watchIntervalMs: intervalMs }: AclFileConfig, known?: readonly string[]): WatchedFiles {
    const options = known === undefined ? { intervalMs } : { intervalMs, known }
    // What fails is logged.
    return new WatchedFiles([file], () => void this.refresh().catch(() => {}), options)
  }

  async #read(): Promise<string> {
    const config = this.#config
    const { file } = config
    if (this.#isStopped) return ''
    try {
      const rules = await readRules(config)
      // A reset has given it another config meanwhile, and rules with it.
      if (config !== this.#config) return ''
      this.replace(rules)
    } catch (error) {
      this.counters.failedReloads += 1
      this.#log.error(
        { file, err: error },
        `ACL file refused, the previous rules stay in force: ${(error as Error).message}`,
      )
      throw error
    }
    this.counters.reloads += 1
    const result = `${counted(this.size, 'rule')} read from ${file}`
    this.#log.info({ file, rules: this.size }, `ACL file read again: ${result}`)
    this.#changed.call()
    return result
  }
}

const readRules = async (config: AclFileConfig): Promise<readonly AccessRule[]> => {
  const { file, maximumRules } = config
  const { rules, problems } = parseAcl(await readText(config), maximumRules)
  if (rules !== undefined) return rules
  const lines = problems.slice(0, NAMED_LINES).map(({ line, message }) => `  line ${line}: ${message}`)
  if (problems.length > lines.length) lines.push(`  and ${problems.length - lines.length} more lines`)
  throw new Error(`The ACL file ${file} cannot be read:\n${lines.join('\n')}`)
}

/** @throws when there is no such file, or when it is too large or not UTF-8. */
const readText = async ({ file, maximumBytes }: AclFileConfig): Promise<string> => {
  let content: Uint8Array
  try {
    content = (await readBoundedFile(file, maximumBytes, 'maximumBytes')).content
  } catch (cause) {
    throw new Error(`The ACL file ${file} cannot be read: ${(cause as Error).message}`, { cause })
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(content)
  } catch (cause) {
    throw new Error(`The ACL file ${file} is not UTF-8.`, { cause })
  }
}
