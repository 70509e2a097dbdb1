import { type FileHandle, open } from 'node:fs/promises'
import type { QoS } from 'mqtt-packet'
import type { AccessRule } from '../../src/access/access-rule.ts'
import { AccessRules } from '../../src/access/access-rules.ts'
import { counted } from '../../src/collections/counted.ts'
import { WatchedFiles } from '../../src/files/watched-files.ts'
import type { Authorizer, Decision, Identity } from '../../src/kinds/authorizer.ts'
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
export class AclFile implements Authorizer {
  readonly rules: AccessRules
  readonly counters: AclFileCounters = { reloads: 0, failedReloads: 0 }
  readonly #config: AclFileConfig
  readonly #log: Logger
  readonly #files: WatchedFiles
  #changed: (() => void) | undefined
  /** The last reading of the file: they follow each other. */
  #reading: Promise<void> = Promise.resolve()
  #isStopped = false

  private constructor(rules: readonly AccessRule[], config: AclFileConfig, log: Logger) {
    this.#config = config
    this.#log = log
    // What a filter with wildcards matches beyond the rules is held back at each delivery.
    this.rules = new AccessRules(rules, { otherwise: 'deny', match: 'partial' })
    const { file, watchIntervalMs: intervalMs } = config
    this.#files = new WatchedFiles([file], () => void this.reload(), { intervalMs })
  }

  /** Reads the file. Rejects with all that is wrong with it. */
  static async open(config: AclFileConfig, log: Logger): Promise<AclFile> {
    const own = new AclFile([], config, log)
    try {
      // Before it is read, so that no later change is missed.
      await own.#files.look()
      own.rules.replace(await readRules(config))
      return own
    } catch (error) {
      own.stop()
      throw error
    }
  }

  mayPublish(identity: Identity, topic: string, qos: QoS, retain: boolean): Decision {
    return this.rules.mayPublish(identity, topic, qos, retain)
  }

  maySubscribe(identity: Identity, filter: string, qos: QoS): Decision {
    return this.rules.maySubscribe(identity, filter, qos)
  }

  mayReceive(identity: Identity, topic: string): Decision {
    return this.rules.mayReceive(identity, topic)
  }

  subscribeUnits(identity: Identity, filter: string): number {
    return this.rules.subscribeUnits(identity, filter)
  }

  onChange(listener: () => void): void {
    this.#changed = listener
  }

  /** Looks at the file now, and reads it again if it has changed. Never rejects. */
  async look(): Promise<void> {
    await this.#files.look()
    await this.#reading
  }

  /** Reads the file again. If it cannot be read, the rules in force stay, and a line of the log says why. Never rejects. */
  async reload(): Promise<void> {
    await this.refresh().catch(() => undefined)
  }

  /**
   * Reads the file again.
   * @returns what was read, for an operator. @throws an Error if the file cannot be read. The rules in force stay.
   */
  refresh(): Promise<string> {
    const reading = this.#reading.then(() => this.#read())
    this.#reading = reading.then(
      () => undefined,
      () => undefined,
    )
    return reading
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
      this.rules.replace(await readRules(this.#config))
    } catch (error) {
      this.counters.failedReloads += 1
      this.#log.error({ file, err: error }, `ACL file refused, the rules in force stay: ${(error as Error).message}`)
      throw error
    }
    this.counters.reloads += 1
    const result = `${counted(this.rules.size, 'rule')} read from ${file}`
    this.#log.info({ file, rules: this.rules.size }, `ACL file read again: ${result}`)
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
  const bytes = await readBytes(file, maximumBytes)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new Error(`The ACL file ${file} is not UTF-8.`, { cause })
  }
}

const readBytes = async (file: string, maximumBytes: number): Promise<Uint8Array> => {
  let handle: FileHandle | undefined
  try {
    handle = await open(file)
    const chunks: Buffer[] = []
    let size = 0
    for await (const chunk of handle.createReadStream({ end: maximumBytes, autoClose: false })) {
      chunks.push(chunk as Buffer)
      size += (chunk as Buffer).length
    }
    if (size > maximumBytes) throw new Error(`it has more bytes than maximumBytes: ${maximumBytes}`)
    return Buffer.concat(chunks)
  } catch (cause) {
    throw new Error(`The ACL file ${file} cannot be read: ${(cause as Error).message}`, { cause })
  } finally {
    await handle?.close()
  }
}
