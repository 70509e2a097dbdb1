/** The calls of the dashboard to the admin API. */

/** An answer that is not a success, or none at all. */
export class ApiError extends Error {
  /** The HTTP status; 0 if there was no answer. */
  readonly status: number

  constructor(status: number, message: string, options?: ErrorOptions) {
    super(message, options)
    this.status = status
  }
}

export type Query = Readonly<Record<string, string | number | undefined>>

/** How long an answer is awaited. */
const TIMEOUT_MS = 15_000

export class Api {
  readonly #token: string
  readonly #fetch: typeof fetch
  /** Called when the broker does not accept the token any more. */
  readonly #onUnauthorized: () => void

  constructor(token: string, onUnauthorized: () => void, fetcher: typeof fetch = (...call) => fetch(...call)) {
    this.#token = token
    this.#onUnauthorized = onUnauthorized
    this.#fetch = fetcher
  }

  /** @throws ApiError with a sentence for the operator. */
  get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
    return this.#call<T>('GET', path + queryText(query), undefined, signal)
  }

  /**
   * @param timeoutMs how long the answer is awaited.
   * @throws ApiError with a sentence for the operator.
   */
  send<T>(method: 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown, timeoutMs = TIMEOUT_MS): Promise<T> {
    return this.#call<T>(method, path, body, undefined, timeoutMs)
  }

  /** The response of the event stream, which does not end by itself. @throws ApiError. */
  async events(signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    const response = await this.#request('GET', '/events', undefined, signal)
    if (response.body === null) throw new ApiError(0, 'The broker sent no events.')
    return response.body
  }

  async #call<T>(
    method: string,
    path: string,
    body: unknown,
    signal?: AbortSignal,
    timeoutMs = TIMEOUT_MS,
  ): Promise<T> {
    const limit = AbortSignal.timeout(timeoutMs)
    const either = signal === undefined ? limit : AbortSignal.any([signal, limit])
    const response = await this.#request(method, path, body, either)
    const text = await response.text()
    return (text === '' ? undefined : JSON.parse(text)) as T
  }

  async #request(method: string, path: string, body: unknown, signal: AbortSignal): Promise<Response> {
    const headers: Record<string, string> = { authorization: `Bearer ${this.#token}` }
    if (body !== undefined) headers['content-type'] = 'application/json'
    const options: RequestInit = { method, headers, signal, cache: 'no-store' }
    if (body !== undefined) options.body = JSON.stringify(body)
    let response: Response
    try {
      response = await this.#fetch(`/api/v1${path}`, options)
    } catch (cause) {
      if (signal.aborted && (signal.reason as Error).name === 'AbortError') throw cause
      throw new ApiError(0, 'The broker does not answer.', { cause })
    }
    if (response.ok) return response
    if (response.status === 401) this.#onUnauthorized()
    throw new ApiError(response.status, await sentenceOf(response))
  }
}

/** The sentence of the API, or one about the status. */
const sentenceOf = async (response: Response): Promise<string> => {
  try {
    const { error } = (await response.json()) as { readonly error?: unknown }
    if (typeof error === 'string' && error !== '') return error
  } catch {
    // A proxy between may answer with anything.
  }
  return `The broker answered with status ${response.status}.`
}

/** `?q=a&limit=100`; empty if nothing is set. */
export const queryText = (query: Query): string => {
  const used = Object.entries(query).filter(([, value]) => value !== undefined && value !== '')
  const text = new URLSearchParams(used.map(([name, value]) => [name, `${value}`])).toString()
  return text === '' ? '' : `?${text}`
}

/** A segment of a path: a Client Identifier or topic with any characters. */
export const segment = (text: string): string => encodeURIComponent(text)
