import { createHmac, randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { WebhookConfig } from './config.ts'
import type { Batch } from './event-queue.ts'

/** The result of one attempt. */
export type Attempt =
  /** The service has the events. */
  | { readonly outcome: 'sent' }
  /** It may accept them later. */
  | { readonly outcome: 'failed'; readonly why: string; readonly retryAfterMs?: number }
  /** It does not want them. */
  | { readonly outcome: 'refused'; readonly why: string }

export type SendOptions = Pick<
  WebhookConfig,
  'url' | 'headers' | 'authorizationFile' | 'secretFile' | 'signatureHeader' | 'timeoutMs'
>

/** A batch, and the identifier by which the service knows one that it has already. */
export interface IdentifiedBatch extends Batch {
  readonly id: string
}

export const identified = (batch: Batch): IdentifiedBatch => ({ ...batch, id: randomUUID() })

/** Sends a batch once. Never throws. @param signal ends the request when the component stops. */
export const sendBatch = async (
  { events, id }: IdentifiedBatch,
  options: SendOptions,
  attempt: number,
  signal: AbortSignal,
): Promise<Attempt> => {
  const body = `{"events":[${events.join(',')}]}`
  try {
    const response = await fetch(options.url, {
      ...{ method: 'POST', body, redirect: 'error' },
      headers: { ...(await headersOf(options, body)), 'x-mqtt-jig-batch': id, 'x-mqtt-jig-attempt': String(attempt) },
      signal: AbortSignal.any([signal, AbortSignal.timeout(options.timeoutMs)]),
    })
    // Nothing of the answer is used but its status.
    await response.body?.cancel()
    return judged(response)
  } catch (error) {
    return { outcome: 'failed', why: causeOf(error) }
  }
}

const judged = ({ ok, status, headers }: Response): Attempt => {
  if (ok) return { outcome: 'sent' }
  const why = `the service answered ${status}`
  // Request Timeout, Too Early, Too Many Requests: later it may be another answer.
  if (status < 500 && ![408, 425, 429].includes(status)) return { outcome: 'refused', why }
  const seconds = Number(headers.get('retry-after'))
  return { outcome: 'failed', why, ...(seconds > 0 && { retryAfterMs: seconds * 1000 }) }
}

const headersOf = async (options: SendOptions, body: string): Promise<Record<string, string>> => {
  const { authorizationFile, secretFile, signatureHeader } = options
  const headers: Record<string, string> = { ...options.headers, 'content-type': 'application/json' }
  if (authorizationFile !== undefined) headers['authorization'] = await readHeader(authorizationFile)
  if (secretFile !== undefined) headers[signatureHeader] = signatureOf(body, await readSecret(secretFile), Date.now())
  return headers
}

/** The signature of a request: HMAC-SHA256 over `SECONDS.BODY`, so that an old request cannot be sent again later. */
export const signatureOf = (body: string, secret: string, nowMs: number): string => {
  const seconds = Math.floor(nowMs / 1000)
  return `t=${seconds},v1=${createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')}`
}

/** The content of a file without the line end at its end. @throws Error that names the file if it is empty. */
const readSecret = async (path: string): Promise<string> => {
  const secret = (await readFile(path, 'utf8')).replace(/\r?\n$/, '')
  if (secret === '') throw new Error(`${path} is empty`)
  return secret
}

/** A secret as the value of a header. @throws Error that names the file: the error of `fetch` would print the secret. */
const readHeader = async (path: string): Promise<string> => {
  const value = await readSecret(path)
  if (/^[\t\x20-\x7e\x80-\xff]+$/.test(value)) return value
  throw new Error(`${path} holds a character that no header may hold, such as a line end`)
}

/** `fetch` wraps the reason. */
const causeOf = (error: unknown): string => {
  const { message, name, cause } = error as Error
  if (name === 'TimeoutError') return 'no answer within timeoutMs'
  const inner = cause as NodeJS.ErrnoException | undefined
  return inner === undefined ? message : inner.message || String(inner.code)
}
