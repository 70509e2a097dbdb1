/** Server-sent events from a fetch: `EventSource` cannot send a token in a header. */

export interface StreamEvent {
  readonly name: string
  readonly data: string
}

/** A server that never ends an event must not fill the memory of the page. */
const MAXIMUM_EVENT_CHARACTERS = 4 * 1024 * 1024

/** Splits a text that arrives in pieces into events, as the HTML standard says. */
export class EventParser {
  #rest = ''
  #name = ''
  #data: string[] = []
  #characters = 0

  /** @returns the events that are complete. @throws Error if one is too long. */
  push(text: string): StreamEvent[] {
    const events: StreamEvent[] = []
    // A CR at the end may be half of a CRLF.
    const lines = (this.#rest + text).split(/\r\n|\n|\r(?!$)/)
    this.#rest = lines.pop()!
    for (const line of lines) this.#line(line, events)
    if (this.#rest.length + this.#characters > MAXIMUM_EVENT_CHARACTERS) throw new Error('An event is too long')
    return events
  }

  #line(line: string, events: StreamEvent[]): void {
    if (line === '') {
      if (this.#data.length > 0) events.push({ name: this.#name || 'message', data: this.#data.join('\n') })
      this.#name = ''
      this.#data = []
      this.#characters = 0
      return
    }
    const colon = line.indexOf(':')
    const field = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (field === 'event') this.#name = value
    if (field === 'data') {
      this.#data.push(value)
      this.#characters += value.length
    }
  }
}

/** Reads the events of a response until it ends. @throws what the connection fails with. */
export const readEvents = async (
  body: ReadableStream<Uint8Array>,
  onEvent: (event: StreamEvent) => void,
): Promise<void> => {
  const parser = new EventParser()
  const decoder = new TextDecoder()
  const reader = body.getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    for (const event of parser.push(decoder.decode(value, { stream: true }))) onEvent(event)
  }
}
