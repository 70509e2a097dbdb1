import type { AccessRule } from '../../src/access/access-rule.ts'
import { AccessRules } from '../../src/access/access-rules.ts'
import { counted } from '../../src/collections/counted.ts'
import { OneAtATime } from '../../src/collections/one-at-a-time.ts'
import { readBoundedFile } from '../../src/files/read-bounded-file.ts'
import { WatchedFiles } from '../../src/files/watched-files.ts'
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
  readonly #config: AclFileConfig
  readonly #log: Logger
  readonly #files: WatchedFiles
  #changed: (() => void) | undefined
  readonly #reads = new OneAtATime()
  #isStopped = false

  private constructor(config: AclFileConfig, log: Logger) {
    // What a filter with wildcards matches beyond the rules is held back at each delivery.
    super([], { otherwise: 'deny', match: 'partial' })
    this.#config = config
    this.#log = log
    const { file, watchIntervalMs: intervalMs } = config
    // What fails is logged.
    this.#files = new WatchedFiles([file], () => void this.refresh().catch(() => {}), { intervalMs })
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

  onChange(listener: () => void): void {
    this.#changed = listener
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
    this.#changed = undefined
    this.#files.stop()
  }

  async #read(): Promise<string> {
    const { file } = this.#config
    if (this.#isStopped) return ''
    try {
      this.replace(await readRules(this.#config))
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
    this.#changed?.()
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
