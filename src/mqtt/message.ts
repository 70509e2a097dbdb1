import type { QoS } from 'mqtt-packet'
import { copyBytes } from '../collections/copy-bytes.ts'
import { kept } from '../collections/kept.ts'

/**
 * An Application Message: a piece of memory and the positions of its parts. Topic Name, properties and payload are forwarded as
 * the received bytes, which costs nothing and keeps the order of User Properties [MQTT-3.3.2-18].
 *
 * The decoder reuses one Message object: a message is *lent* for the call, and nothing is copied unless it is kept. To keep a
 * message, keep the result of `keep()`.
 *
 * All fields are read-only: a stage that changes a message makes a new one (`Publish.with`). A decoder sets the fields of its
 * own messages through `refill`.
 */
export class Message {
  /** The memory that contains the parts. Other bytes may surround them. */
  readonly bytes: Buffer = EMPTY
  /** The Topic Name, well-formed UTF-8 and legal. */
  readonly topicStart: number = 0
  readonly topicEnd: number = 0
  /**
   * The Properties that are forwarded unaltered, encoded one after the other and without their Property Length: Payload
   * Format Indicator, Content Type, Response Topic, Correlation Data and User Properties, in the order they came in.
   */
  readonly propertiesStart: number = 0
  readonly propertiesEnd: number = 0
  readonly payloadStart: number = 0
  readonly payloadEnd: number = 0
  /** The QoS it was published with. */
  readonly qos: QoS = 0
  /** Whether it was published with RETAIN 1. */
  readonly retain: boolean = false
  /**
   * When its Message Expiry Interval ends, in milliseconds since 1970 on a clock that never steps back
   * (`performance.timeOrigin + performance.now()`); Infinity when it has none.
   */
  readonly expiresAtMs: number = Number.POSITIVE_INFINITY
  /**
   * The whole packet that it came in, at QoS 0 and 1. Its bytes may go out again as they are at QoS 0, when nothing was taken
   * out of them: `frameVersion` is 4 then for the form of MQTT 3 and 5 for that of 5.0, and 0 otherwise.
   */
  readonly frameStart: number = 0
  readonly frameEnd: number = 0
  readonly frameVersion: 0 | 4 | 5 = 0
  /** This memory contains nothing else and is never written again, so keeping the message needs no copy. */
  readonly owned: boolean = false
  /** A number that is unique for every message. It identifies a lent message after the call. */
  readonly serial: number = 0

  #topic: string | undefined
  #kept: Message | undefined

  /** A message that owns its memory, from its parts: a Will Message, a message of the broker, or a stored message. */
  static of(parts: MessageParts): Message {
    const of = new Message()
    const topic = typeof parts.topic === 'string' ? Buffer.from(parts.topic) : parts.topic
    const properties = parts.properties ?? EMPTY
    const payload = typeof parts.payload === 'string' ? Buffer.from(parts.payload) : (parts.payload ?? EMPTY)
    const message = Message.refill(of, Buffer.concat([topic, properties, payload]))
    message.topicEnd = topic.length
    message.propertiesStart = topic.length
    message.propertiesEnd = topic.length + properties.length
    message.payloadStart = message.propertiesEnd
    message.payloadEnd = message.bytes.length
    message.qos = parts.qos ?? 0
    message.retain = parts.retain ?? false
    message.expiresAtMs = parts.expiresAtMs ?? Number.POSITIVE_INFINITY
    of.#kept = of
    return of
  }

  /**
   * A message from its topic, properties and payload, which lie one behind the other in lent memory from `start` on. They are
   * copied; small messages share memory, as with `keep`.
   */
  static copyOf(lent: Buffer, start: number, lengths: PartLengths, attributes: MessageAttributes): Message {
    const size = lengths.topic + lengths.properties + lengths.payload
    const bytes = takeMemory(size)
    copyBytes(lent, start, start + size, bytes, small.takenAt)
    return Message.#keptIn(bytes, small.takenAt, lengths, attributes)
  }

  /** The same from a text with a character (0 to 255) for each byte of topic, properties and payload. */
  static fromText(text: string, lengths: PartLengths, attributes: MessageAttributes): Message {
    const bytes = takeMemory(text.length)
    bytes.write(text, small.takenAt, 'latin1')
    return Message.#keptIn(bytes, small.takenAt, lengths, attributes)
  }

  /** A message over memory that is not written again. */
  static #keptIn(bytes: Buffer, start: number, lengths: PartLengths, attributes: MessageAttributes): Message {
    const kept = new Message()
    const message = Message.refill(kept, bytes)
    message.topicStart = start
    message.topicEnd = start + lengths.topic
    message.propertiesStart = message.topicEnd
    message.propertiesEnd = message.propertiesStart + lengths.properties
    message.payloadStart = message.propertiesEnd
    message.payloadEnd = message.payloadStart + lengths.payload
    message.qos = attributes.qos
    message.retain = attributes.retain
    message.expiresAtMs = attributes.expiresAtMs
    kept.#kept = kept
    return kept
  }

  /**
   * Starts another message in the same object: for decoders, which reuse one object.
   * @param lent an object that the caller made and lends.
   * @returns the object, with fields that can be set. The caller sets all parts.
   * @throws TypeError for a message that is kept: it never changes.
   */
  static refill(lent: Message, bytes: Buffer): MessageFields {
    if (lent.#kept === lent) throw new TypeError('A message that is kept cannot be filled again.')
    lent.#topic = undefined
    lent.#kept = undefined
    const message: MessageFields = lent
    message.bytes = bytes
    message.frameVersion = 0
    message.frameStart = 0
    message.frameEnd = 0
    message.owned = false
    serials.last += 1
    message.serial = serials.last
    return message
  }

  /** The Topic Name. */
  get topic(): string {
    this.#topic ??= this.bytes.toString('utf8', this.topicStart, this.topicEnd)
    return this.#topic
  }

  /** The Topic Name in a new string. `topic` keeps its string as long as the message is kept. */
  decodeTopic(): string {
    return this.#topic ?? this.bytes.toString('utf8', this.topicStart, this.topicEnd)
  }

  /** The Topic Name's bytes, as a view. */
  get topicBytes(): Buffer {
    return this.bytes.subarray(this.topicStart, this.topicEnd)
  }

  /** The forwarded Properties' bytes, as a view. */
  get properties(): Buffer {
    return this.bytes.subarray(this.propertiesStart, this.propertiesEnd)
  }

  /** The payload, as a view. */
  get payload(): Buffer {
    return this.bytes.subarray(this.payloadStart, this.payloadEnd)
  }

  get payloadLength(): number {
    return this.payloadEnd - this.payloadStart
  }

  /** What the message costs to keep, in bytes: its parts without the objects around them. */
  get size(): number {
    return this.topicEnd - this.topicStart + this.propertiesEnd - this.propertiesStart + this.payloadLength
  }

  /**
   * What `console.log` and the REPL print: the bytes around the message belong to other messages, and payloads are not logged.
   */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    const { topic, qos, retain, payloadLength } = this
    return `Message { topic: ${JSON.stringify(topic)}, qos: ${qos}, retain: ${retain}, payload: ${payloadLength} bytes }`
  }

  /** The same message in memory of its own, which may be kept and never changes. All callers get the same copy. */
  keep(): Message {
    if (this.#kept !== undefined) return this.#kept
    const kept = this.owned ? Object.assign(new Message(), this) : this.#copy()
    const fields: MessageFields = kept
    fields.serial = this.serial
    kept.#topic = this.#topic
    kept.#kept = kept
    this.#kept = kept
    return kept
  }

  /**
   * The same message in memory that contains nothing else, for a message that is kept for long. Node cuts small buffers from
   * larger pieces, and one small buffer would keep the whole piece in memory.
   */
  alone(): Message {
    const kept = this.keep()
    const { length, buffer } = kept.bytes
    const isShared = kept.size <= SMALL_BYTES && length !== kept.size
    if (buffer.byteLength === length && !isShared) return kept
    const { topicBytes: topic, properties, payload, qos, retain, expiresAtMs } = kept
    const alone = Message.of({ topic, properties, payload, qos, retain, expiresAtMs })
    const bytes = Buffer.allocUnsafeSlow(alone.bytes.length)
    bytes.set(alone.bytes)
    return Object.assign(alone, { bytes, serial: kept.serial })
  }

  /** The parts alone, one behind the other. */
  #copy(): Message {
    const { bytes, qos, retain, expiresAtMs } = this
    const copy = new Message()
    const fields = Message.refill(copy, takeMemory(this.size))
    const start = small.takenAt
    fields.topicStart = start
    fields.topicEnd = copyBytes(bytes, this.topicStart, this.topicEnd, fields.bytes, start)
    fields.propertiesStart = fields.topicEnd
    fields.propertiesEnd = copyBytes(bytes, this.propertiesStart, this.propertiesEnd, fields.bytes, fields.topicEnd)
    fields.payloadStart = fields.propertiesEnd
    fields.payloadEnd = copyBytes(bytes, this.payloadStart, this.payloadEnd, fields.bytes, fields.propertiesEnd)
    fields.qos = qos
    fields.retain = retain
    fields.expiresAtMs = expiresAtMs
    copy.#kept = copy
    return copy
  }

  /** A copy in memory of its own, with other parts: `{ topic }` for what a Topic Alias stands for. */
  with(parts: Partial<MessageParts>): Message {
    const { topicBytes: topic, properties, payload, qos, retain, expiresAtMs } = this
    return Message.of({ topic, properties, payload, qos, retain, expiresAtMs, ...parts })
  }
}

/** A message whose fields can be set: for decoders, which fill the messages that they lend. */
export type MessageFields = { -readonly [Field in keyof Message]: Message[Field] }

/** The lengths of the parts of a message, in bytes. */
export interface PartLengths {
  readonly topic: number
  readonly properties: number
  readonly payload: number
}

/** What a message has beside its parts, as in `Message`. */
export type MessageAttributes = Pick<Message, 'qos' | 'retain' | 'expiresAtMs'>

/** What a message is made of. Strings and buffers are copied. */
export interface MessageParts {
  /** A legal Topic Name. */
  readonly topic: string | Uint8Array
  /** A string is encoded as UTF-8. */
  readonly payload?: string | Uint8Array
  /** Encoded Properties, as in `Message.properties`. */
  readonly properties?: Uint8Array
  readonly qos?: QoS
  readonly retain?: boolean
  readonly expiresAtMs?: number
}

/** Memory taken at once for small messages that are kept, in bytes: as much as Node takes for small buffers. */
const MEMORY_BYTES = 8 * 1024
/** Larger messages get memory of their own. */
const SMALL_BYTES = MEMORY_BYTES / 2

/** The memory in which the next small message that is kept lies, up to where it is used, and where the last piece of memory begins. */
const small = kept('mqtt.message.small', () => ({ memory: Buffer.alloc(0), end: 0, takenAt: 0 }))

/**
 * Memory for a message, from `small.takenAt` on. Small messages share a Buffer: a Buffer object for each would be larger than
 * the message and cost more time than the copy. They keep no more memory than Buffers that Node cuts from its pool.
 */
const takeMemory = (size: number): Buffer => {
  small.takenAt = 0
  if (size > SMALL_BYTES) return Buffer.allocUnsafe(size)
  if (small.end + size > small.memory.length) {
    small.memory = Buffer.allocUnsafeSlow(MEMORY_BYTES)
    small.end = 0
  }
  small.takenAt = small.end
  small.end += size
  return small.memory
}

const EMPTY = Buffer.alloc(0)

/** The last serial number given: it outlives a reload of this file, so that no number is assigned twice. */
const serials = kept('mqtt.message.serials', () => ({ last: 0 }))
