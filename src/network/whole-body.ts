/**
 * The body of a request or an answer whose bytes are all there.
 *
 * A `Request` or `Response` that is given a text or bytes makes a byte stream of them, and reading that transfers an ArrayBuffer. From
 * the first one on V8 checks at each access to a typed array in the process that its memory is still there, which packets pay for. This
 * stream transfers nothing.
 */
export const wholeBody = (content: string | Uint8Array<ArrayBuffer>): ReadableStream<Uint8Array<ArrayBuffer>> =>
  new ReadableStream({
    start: (controller) => {
      const bytes = typeof content === 'string' ? Buffer.from(content) : content
      if (bytes.length > 0) controller.enqueue(bytes)
      controller.close()
    },
  })

/** `Response.json` with such a body: a Content-Type of the caller stays. */
export const jsonResponse = (value: unknown, init: ResponseInit = {}): Response => {
  const response = new Response(wholeBody(JSON.stringify(value)), init)
  if (init.headers === undefined || !new Headers(init.headers).has('content-type'))
    response.headers.set('content-type', 'application/json')
  return response
}
