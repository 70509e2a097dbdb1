/** Between the messages of node:http and the Request and Response of the web standard. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { wholeBody } from '../../src/network/whole-body.ts'

/** The body is larger than allowed. */
export const TOO_LARGE = Symbol('too large')

/**
 * Reads the body of a request.
 * @returns `TOO_LARGE` as soon as that is known; the rest is then not kept. Undefined if the client closes the connection before.
 */
export const readBody = (
  incoming: IncomingMessage,
  maximumBytes: number,
): Promise<Uint8Array<ArrayBuffer> | typeof TOO_LARGE | undefined> => {
  if (Number(incoming.headers['content-length'] ?? 0) > maximumBytes) return Promise.resolve(TOO_LARGE)
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let length = 0
    incoming.on('data', (chunk: Buffer) => {
      length += chunk.length
      if (length <= maximumBytes) chunks.push(chunk)
      else {
        chunks.length = 0
        resolve(TOO_LARGE)
      }
    })
    incoming.once('end', () => resolve(Buffer.concat(chunks)))
    incoming.once('close', () => resolve(undefined))
    incoming.once('error', () => resolve(undefined))
  })
}

/** @throws TypeError if the URL or the method cannot be that of a request. */
export const toRequest = (
  incoming: IncomingMessage,
  origin: string,
  body: Uint8Array<ArrayBuffer> | undefined,
  signal: AbortSignal,
): Request => {
  // Both are set: it is a request that a server got.
  const target = incoming.url!
  if (!target.startsWith('/')) throw new TypeError('The target of the request must begin with a slash.')
  const headers = new Headers()
  const { rawHeaders } = incoming
  for (let index = 0; index < rawHeaders.length; index += 2) headers.append(rawHeaders[index]!, rawHeaders[index + 1]!)
  return new Request(`${origin}${target}`, {
    method: incoming.method!,
    headers,
    signal,
    ...(body !== undefined && { body: wholeBody(body), duplex: 'half' }),
  })
}

/**
 * Sends an answer at the pace of the client. Resolves when it is complete, or the client has closed the connection: its body is then
 * cancelled. @throws what the body fails with.
 */
export const send = async (response: Response, outgoing: ServerResponse): Promise<void> => {
  const { body, status, headers } = response
  if (outgoing.destroyed || outgoing.closed) {
    await body?.cancel()
    return
  }
  outgoing.statusCode = status
  for (const [name, value] of headers) outgoing.appendHeader(name, value)
  if (body === null) {
    outgoing.end()
    return
  }
  outgoing.flushHeaders()
  const reader = body.getReader()
  const cancel = (): void => void reader.cancel().catch(() => undefined)
  outgoing.once('close', cancel)
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    if (!outgoing.write(part.value)) await drained(outgoing)
  }
  outgoing.off('close', cancel)
  outgoing.end()
}

const drained = (outgoing: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    if (outgoing.closed || outgoing.destroyed) return resolve()
    const go = (): void => {
      outgoing.off('drain', go).off('close', go)
      resolve()
    }
    outgoing.on('drain', go).on('close', go)
  })
