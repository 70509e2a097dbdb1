/** A request of HTTP, without its body. */
export interface HttpRequest {
  readonly method: string
  /** The path with its query. */
  readonly target: string
  /** By their names in lower case. Several of one name are joined by commas. */
  readonly headers: ReadonlyMap<string, string>
}

/** Headers that a request may have only once: two of them could mean different things to a proxy and to us. */
const SINGLE: ReadonlySet<string> = new Set(['host', 'origin', 'sec-websocket-key', 'sec-websocket-version'])

/**
 * Reads a request (RFC 9112, sections 3 and 5).
 * @param head everything before the empty line.
 * @returns undefined if it is no request of HTTP/1.1.
 */
export const parseRequest = (head: string): HttpRequest | undefined => {
  const [first, ...lines] = head.split('\r\n')
  const [, method, target] = /^([A-Z]{1,20}) ([\x21-\x7e]+) HTTP\/1\.1$/.exec(first!) ?? []
  if (method === undefined || target === undefined) return undefined
  const headers = new Map<string, string>()
  for (const line of lines) {
    // Blanks at both ends of the value are removed afterwards: a pattern for them takes quadratic time for thousands of blanks.
    const [, name, value] = /^([\w!#$%&'*+.^`|~-]+):([\t\x20-\x7e\x80-\xff]*)$/.exec(line) ?? []
    if (name === undefined || value === undefined) return undefined
    const key = name.toLowerCase()
    const known = headers.get(key)
    if (known !== undefined && SINGLE.has(key)) return undefined
    headers.set(key, known === undefined ? value.trim() : `${known}, ${value.trim()}`)
  }
  return { method, target, headers }
}
