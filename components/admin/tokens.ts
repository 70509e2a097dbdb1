import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import type { Step } from '../../src/collections/change.ts'
import { readBoundedFile } from '../../src/files/read-bounded-file.ts'
import type { Logger } from '../../src/kinds/logger.ts'
import { ADMIN, type AdminConfig, MINIMUM_TOKEN_LENGTH, TOKEN_FORM } from './config.ts'

/** Who sends a request. */
export interface KnownToken {
  readonly name: string
  readonly readOnly: boolean
}

interface HashedToken extends KnownToken {
  readonly hash: Buffer
}

const MAXIMUM_FILE_BYTES = 4_096
/** Random bytes of a token that is made: 32 characters. */
const TOKEN_BYTES = 24
/** Rights of other users. */
const OTHERS = 0o077

/** The tokens of the config and of its files. */
export class Tokens {
  #config: AdminConfig
  readonly #log: Logger
  #tokens: readonly HashedToken[] = []

  private constructor(config: AdminConfig, log: Logger) {
    this.#config = config
    this.#log = log
  }

  /** Reads the files, and makes `tokenFile` if it is missing. @throws an Error that names the file and what would do. */
  static async open(config: AdminConfig, log: Logger): Promise<Tokens> {
    const tokens = new Tokens(config, log)
    if (config.tokenFile !== null) await makeIfMissing(config.tokenFile, log)
    tokens.#tokens = await tokens.#read()
    return tokens
  }

  /** Reads the files again. @returns what changed. @throws as `open`; the tokens before stay in force. */
  async refresh(): Promise<string | undefined> {
    const before = this.#tokens
    const config = this.#config
    const now = await this.#read()
    // A reset has given it other tokens meanwhile.
    if (config !== this.#config) return undefined
    this.#tokens = now
    const changed = now.filter(({ hash }, index) => !hash.equals(before[index]!.hash))
    return changed.length === 0 ? undefined : `tokens changed: ${changed.map(({ name }) => name).join(', ')}`
  }

  /**
   * Prepares the tokens of another config, or other contents of the files.
   * @throws as `open`.
   */
  async adjust(config: AdminConfig): Promise<{ readonly isChanged: boolean; readonly step: Step }> {
    const next = await Tokens.open(config, this.#log)
    const textOf = (tokens: Tokens): string => JSON.stringify(tokens.#tokens)
    return { isChanged: textOf(next) !== textOf(this), step: () => this.#become(next) }
  }

  #become(next: Tokens): () => void {
    const before = { config: this.#config, tokens: this.#tokens }
    this.#config = next.#config
    this.#tokens = next.#tokens
    return () => {
      this.#config = before.config
      this.#tokens = before.tokens
    }
  }

  /** The token of a request. It takes the same time for each text of a length, and has a bound: no token is longer than its file. */
  find(given: string): KnownToken | undefined {
    if (given.length > MAXIMUM_FILE_BYTES) return undefined
    const hash = hashOf(given)
    let found: KnownToken | undefined
    for (const token of this.#tokens) if (timingSafeEqual(token.hash, hash)) found = token
    return found
  }

  async #read(): Promise<HashedToken[]> {
    const { tokenFile, tokens } = this.#config
    const own = tokenFile === null ? [] : [{ name: ADMIN, tokenFile, readOnly: false, token: undefined }]
    return Promise.all(
      [...own, ...tokens].map(async ({ name, token, tokenFile: file, readOnly }) => ({
        ...{ name, readOnly },
        hash: hashOf(token ?? (await this.#readFile(file!))),
      })),
    )
  }

  async #readFile(file: string): Promise<string> {
    const { content, mode } = await readBoundedFile(file, MAXIMUM_FILE_BYTES)
    const token = content.toString().trim()
    if (token.length < MINIMUM_TOKEN_LENGTH || !TOKEN_FORM.test(token)) {
      throw new Error(
        `${file} must have a token of at least ${MINIMUM_TOKEN_LENGTH} visible characters of ASCII, without spaces. Make one: openssl rand -base64 24 > ${file}`,
      )
    }
    if ((mode & OTHERS) !== 0 && process.platform !== 'win32') {
      this.#log.warn({ file }, `Token file can be read by other users: run chmod 600 ${file}`)
    }
    return token
  }
}

const makeIfMissing = async (file: string, log: Logger): Promise<void> => {
  try {
    await writeFile(file, `${randomBytes(TOKEN_BYTES).toString('base64url')}\n`, { flag: 'wx', mode: 0o600 })
    log.info({ file }, `Admin token made: ${file} has it`)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return
    throw new Error(
      `The token file could not be made: ${message}. Set tokenFile to a path that can be written, or set tokens.`,
      {
        cause: error,
      },
    )
  }
}

const hashOf = (token: string): Buffer => createHash('sha256').update(token).digest()
