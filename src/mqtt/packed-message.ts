import { Message, type PartLengths } from './message.ts'

/**
 * A kept message without its objects: a string with a character for each byte of its topic, properties and payload, and a number, the
 * shape. A Message with its memory takes twice as much. V8 also collects its whole heap for each 64 MB of such memory, and a store may
 * have millions of retained messages, most of which are never delivered. The message never expires.
 */
export class PackedMessage {
  readonly text: string
  /** The lengths of topic and properties, the QoS, RETAIN, and whether the topic is ASCII. */
  readonly shape: number

  /** Text and shape are those of another one. */
  constructor(text: string, shape: number) {
    this.text = text
    this.shape = shape
  }

  /**
   * Packs what lies in lent memory: topic, properties and payload, one behind the other from `start` on.
   * @returns undefined if it is too large.
   */
  static of(
    lent: Buffer,
    start: number,
    { topic, properties, payload }: PartLengths,
    { qos, retain }: Pick<Message, 'qos' | 'retain'>,
  ): PackedMessage | undefined {
    const size = topic + properties + payload
    if (size > MASK) return undefined
    const shape = topic | (properties << BITS) | (qos << QOS_SHIFT) | (retain ? RETAIN : 0)
    const text = lent.toString('latin1', start, start + size)
    return new PackedMessage(text, isAscii(lent, start, start + topic) ? shape | ASCII : shape)
  }

  get topic(): string {
    return packedTopic(this.text, this.shape)
  }

  /** The length of the topic, in bytes. */
  get topicLength(): number {
    return this.shape & MASK
  }

  /** The message, in another object each time. */
  get message(): Message {
    return unpackMessage(this.text, this.shape)
  }
}

/** The message of a text and its shape. */
export const unpackMessage = (text: string, shape: number): Message => {
  const topic = shape & MASK
  const properties = (shape >> BITS) & MASK
  const lengths = { topic, properties, payload: text.length - topic - properties }
  const qos = ((shape >> QOS_SHIFT) & QOS_MASK) as Message['qos']
  const retain = (shape & RETAIN) !== 0
  return Message.fromText(text, lengths, { qos, retain, expiresAtMs: Number.POSITIVE_INFINITY })
}

/** The topic of a text and its shape. It may refer to the text. */
export const packedTopic = (text: string, shape: number): string => {
  const topic = text.slice(0, shape & MASK)
  return (shape & ASCII) !== 0 ? topic : Buffer.from(topic, 'latin1').toString()
}

const isAscii = (bytes: Buffer, start: number, end: number): boolean => {
  for (let at = start; at < end; at += 1) if (bytes[at]! > 0x7f) return false
  return true
}

/** Bits of a length. All of a shape is a small integer of V8 on each platform. */
const BITS = 13
const MASK = (1 << BITS) - 1
const QOS_SHIFT = 2 * BITS
const QOS_MASK = 3
const RETAIN = 1 << (QOS_SHIFT + 2)
const ASCII = 1 << (QOS_SHIFT + 3)
