import { existsSync, readFileSync } from 'node:fs'
import { exitCodes } from '../../command-line.ts'
import { visibleLine } from '../../terminal/visible-text.ts'
import { type CommandOptions, HELP_OPTION, type OptionValues, UsageError } from '../arguments.ts'
import type { CommandContext } from '../command-context.ts'
import { CommandError } from '../run-command.ts'

export const DEFAULT_URL = 'http://127.0.0.1:18083'
const DEFAULT_TOKEN_FILE = 'admin-token'
/** Items of one request. */
const PAGE_ITEMS = 1_000

/** Exit codes of the commands that use the admin API. */
export const adminExitCodes = {
  ok: exitCodes.ok,
  failed: exitCodes.failed,
  usage: exitCodes.usage,
  /** The broker does not answer. */
  unreachable: 3,
  /** The token is missing, wrong, or may not do this. */
  unauthorized: 4,
} as const

export const ADMIN_EXIT_CODES = `Exit codes: 0 done; 1 refused, or there is no such thing; 2 the command line is wrong; 3 the broker does not answer; 4 the
token is missing, wrong, or may not do this.`

/** Options of every command that uses the admin API. */
export const ADMIN_OPTIONS: CommandOptions = {
  url: {
    type: 'string',
    value: 'URL',
    description: `the admin API; the variable MQTT_JIG_ADMIN_URL or ${DEFAULT_URL} unless given`,
  },
  'token-file': {
    type: 'string',
    value: 'FILE',
    description: `the file with the token; unless given the variable MQTT_JIG_TOKEN, or the file ${DEFAULT_TOKEN_FILE} here`,
  },
  timeout: { type: 'string', value: 'SECONDS', description: 'how long the broker may take to answer; 30 unless given' },
  json: {
    type: 'boolean',
    description: 'print JSON, a line for each item: what is printed if the output is no terminal',
  },
  table: { type: 'boolean', description: 'print a table, also if the output is no terminal' },
  ...HELP_OPTION,
}

export type Query = Readonly<Record<string, string | number | undefined>>

export interface ListPage<Item> {
  readonly items: readonly Item[]
  readonly next: string | null
  readonly total: number
}

/** The admin API of a broker. All methods throw CommandError with the exit code. */
export class AdminClient {
  readonly #base: string
  readonly #token: string | undefined
  readonly #timeoutMs: number

  private constructor(base: string, token: string | undefined, timeoutMs: number) {
    this.#base = base
    this.#token = token
    this.#timeoutMs = timeoutMs
  }

  /** @throws UsageError for a URL that is none, CommandError for a token file that cannot be read. */
  static of(values: OptionValues, { environment, stderr }: CommandContext): AdminClient {
    const url = urlOf(values, environment)
    const token = tokenOf(values, environment)
    if (token !== undefined && url.protocol === 'http:' && !isLoopback(url.hostname)) {
      stderr.write(`The token is sent to ${url.host} without TLS: others on the network can read it. Use https://.\n`)
    }
    return new AdminClient(url.href.replace(/\/+$/, ''), token, timeoutOf(values, 30))
  }

  /** For what needs no token. @throws UsageError. */
  static withoutToken(values: OptionValues, { environment }: CommandContext, timeoutSeconds: number): AdminClient {
    const url = urlOf(values, environment)
    return new AdminClient(url.href.replace(/\/+$/, ''), undefined, timeoutOf(values, timeoutSeconds))
  }
  get(path: string, query: Query = {}): Promise<unknown> {
    return this.#call('GET', path, query)
  }

  post(path: string, body: unknown): Promise<unknown> {
    return this.#call('POST', path, {}, body)
  }

  put(path: string, body: unknown): Promise<unknown> {
    return this.#call('PUT', path, {}, body)
  }

  delete(path: string, query: Query = {}): Promise<unknown> {
    return this.#call('DELETE', path, query)
  }

  /** All items of a list, page by page. @param limit at most so many. */
  async *pages<Item>(path: string, query: Query, limit: number): AsyncGenerator<ListPage<Item>, void> {
    let rest = limit
    let after: string | undefined
    do {
      const page = (await this.get(path, { ...query, limit: Math.min(rest, PAGE_ITEMS), after })) as ListPage<Item>
      yield page
      rest -= page.items.length
      after = page.next ?? undefined
    } while (after !== undefined && rest > 0)
  }

  /** `GET /readyz`, which needs no token. */
  async ready(): Promise<{ readonly ok: boolean; readonly body: unknown }> {
    const response = await this.#fetch(`${this.#base}/readyz`, { method: 'GET' })
    return { ok: response.ok, body: await bodyOf(response) }
  }

  async #call(method: string, path: string, query: Query, body?: unknown): Promise<unknown> {
    const parameters = new URLSearchParams()
    for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.set(name, String(value))
    const search = parameters.size === 0 ? '' : `?${parameters}`
    const response = await this.#fetch(`${this.#base}/api/v1${path}${search}`, {
      method,
      headers: {
        ...(this.#token === undefined ? {} : { Authorization: `Bearer ${this.#token}` }),
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const answer = await bodyOf(response)
    if (response.ok) return answer
    throw this.#refused(response.status, (answer as { readonly error?: unknown } | undefined)?.error)
  }

  async #fetch(url: string, init: RequestInit): Promise<Response> {
    try {
      // A redirection would take the token to another server.
      return await fetch(url, { ...init, redirect: 'error', signal: AbortSignal.timeout(this.#timeoutMs) })
    } catch (error) {
      throw new CommandError(
        adminExitCodes.unreachable,
        `The broker at ${this.#base} does not answer: ${reasonOf(error)}.`,
      )
    }
  }

  #refused(status: number, error: unknown): CommandError {
    const text = typeof error === 'string' ? visibleLine(error) : `HTTP status ${status}`
    if (status === 401 || status === 403) {
      const hint =
        this.#token === undefined
          ? ` No token was given: name its file with --token-file, or set MQTT_JIG_TOKEN. Without both, ${DEFAULT_TOKEN_FILE} in this folder is read.`
          : ''
      return new CommandError(adminExitCodes.unauthorized, `The broker refused: ${text}${hint}`)
    }
    return new CommandError(adminExitCodes.failed, `The broker refused: ${text}`)
  }
}

/**
 * A name as a part of a path.
 * @throws UsageError for names that a URL cannot have.
 */
export const pathName = (name: string): string => {
  if (name === '' || name === '.' || name === '..')
    throw new UsageError(`'${name}' cannot be asked for by the admin API.`)
  return encodeURIComponent(name)
}

const urlOf = (values: OptionValues, environment: CommandContext['environment']): URL => {
  const text = values.text('url') ?? environment['MQTT_JIG_ADMIN_URL'] ?? DEFAULT_URL
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url !== undefined && (url.protocol === 'http:' || url.protocol === 'https:')) return url
  throw new UsageError(`--url ${text}: a URL that begins with http:// or https:// is expected.`)
}

const timeoutOf = (values: OptionValues, seconds: number): number =>
  values.number('timeout', seconds, 0.001, 86_400) * 1000

const tokenOf = (values: OptionValues, environment: CommandContext['environment']): string | undefined => {
  const file = values.text('token-file')
  const text = file === undefined ? environment['MQTT_JIG_TOKEN'] : undefined
  if (text !== undefined) return checkedToken(text, 'MQTT_JIG_TOKEN')
  const path = file ?? (existsSync(DEFAULT_TOKEN_FILE) ? DEFAULT_TOKEN_FILE : undefined)
  if (path === undefined) return undefined
  try {
    return checkedToken(readFileSync(path, 'utf8').trim(), path)
  } catch (error) {
    if (error instanceof CommandError) throw error
    throw new CommandError(adminExitCodes.failed, `The token file cannot be read: ${(error as Error).message}`)
  }
}

/** A header holds no others, and the error of `fetch` would print the token. */
const checkedToken = (token: string, where: string): string => {
  if (/^[\x21-\x7e]+$/.test(token)) return token
  throw new CommandError(
    adminExitCodes.unauthorized,
    `${where} holds no token: it is empty, or has characters that no token has.`,
  )
}

const isLoopback = (hostname: string): boolean =>
  hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname)

const bodyOf = async (response: Response): Promise<unknown> => {
  try {
    return JSON.parse(await response.text()) as unknown
  } catch {
    if (!response.ok) return undefined
    throw new CommandError(adminExitCodes.failed, 'The answer is no JSON: is this the admin API of mqtt-jig?')
  }
}

const reasonOf = (error: unknown): string => {
  const { name, message, cause } = error as Error & { cause?: NodeJS.ErrnoException }
  if (name === 'TimeoutError') return 'no answer in time'
  if (cause?.code === 'ECONNREFUSED') return 'connection refused'
  return cause?.message || cause?.code || message
}
