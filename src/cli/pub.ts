/** `mqtt-jig pub`: publishes messages. */

import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import type { QoS } from 'mqtt-packet'
import {
  ClientError,
  filePayload,
  isStreamed,
  MqttClient,
  type Payload,
  type PublishMessage,
  refusedBy,
} from '../client/index.ts'
import { exitCodes } from '../command-line.ts'
import { MAXIMUM_PACKET_SIZE } from '../mqtt/fixed-header.ts'
import { Progress, progressBar } from '../terminal/progress.ts'
import { type CommandSpec, HELP_OPTION, type OptionValues, UsageError } from './arguments.ts'
import type { CommandContext } from './command-context.ts'
import { CONNECTION_OPTIONS, type Connecting, connectionOf, disconnectProperties } from './connection-options.ts'
import { reconnectNotices } from './reconnect-notices.ts'
import { CommandError, clientExitCodes, commandMain } from './run-command.ts'

export const spec: CommandSpec = {
  usage: '-t TOPIC (-m TEXT | -f FILE | -l | -s | -n) [options]',
  summary: 'Publishes messages, and ends when the broker has acknowledged them.',
  options: {
    topic: { type: 'string', short: 't', value: 'TOPIC', description: 'the Topic Name' },
    message: { type: 'string', short: 'm', value: 'TEXT', description: 'publish this text' },
    file: {
      type: 'string',
      short: 'f',
      value: 'FILE',
      description: 'publish the content of a file, which is read while it is sent',
    },
    'stdin-line': { type: 'boolean', short: 'l', description: 'publish each line of the standard input' },
    'stdin-file': { type: 'boolean', short: 's', description: 'publish the whole standard input as one message' },
    'null-message': {
      type: 'boolean',
      short: 'n',
      description: 'publish an empty message; with --retain it deletes the retained one',
    },
    qos: { type: 'string', short: 'q', value: 'QOS', description: 'its QoS; 0 unless given' },
    retain: { type: 'boolean', short: 'r', description: 'retain it' },
    repeat: { type: 'string', value: 'N', description: 'publish it N times' },
    'repeat-delay': { type: 'string', value: 'SECONDS', description: 'the time between two of them; 0 unless given' },
    'max-inflight': {
      type: 'string',
      short: 'M',
      value: 'N',
      description: 'messages at QoS 1 and 2 that may wait for their acknowledgement; 20 unless given',
    },
    ...CONNECTION_OPTIONS,
    quiet: { type: 'boolean', description: 'print no errors and notices' },
    ...HELP_OPTION,
  },
  notes: `Exit codes: 0 published; 1 the broker or the file cannot be reached; 2 the command line is wrong; 7 the connection was lost;
8 TLS failed; 21 the broker broke the protocol; 25 the message is too large; 130 ended by SIGINT before all was published;
else the Reason Code of the refusal.`,
}

const SOURCES = ['message', 'file', 'stdin-line', 'stdin-file', 'null-message'] as const

const run = async (values: OptionValues, context: CommandContext): Promise<number> => {
  const given = SOURCES.filter((name) => values.has(name) || values.text(name) !== undefined)
  if (given.length !== 1) throw new UsageError(`Give one of ${SOURCES.map((name) => `--${name}`).join(', ')}.`)
  if (values.positionals.length > 0) throw new UsageError(`There is no argument '${values.positionals[0]}'.`)
  if (values.has('ask-password') && (values.has('stdin-line') || values.has('stdin-file'))) {
    throw new UsageError('--ask-password reads the standard input, too: use --password-file or MQTT_JIG_PASSWORD.')
  }
  const connecting = await connectionOf(values, context)
  const topic = values.text('topic') ?? connecting.topic
  if (topic === undefined || topic === '') throw new UsageError('Give a Topic Name: --topic TOPIC.')
  if (/[+#]/.test(topic)) throw new UsageError('A Topic Name holds neither + nor #.')
  const qos = values.integer('qos', 0, 0, 2) as QoS
  const message: Omit<PublishMessage, 'payload'> = {
    topic,
    qos,
    retain: values.has('retain'),
    properties: connecting.properties.publish,
  }
  const payloads = await payloadsOf(values, context)
  return new Publisher(values, connecting, message, context).run(payloads)
}

/** What is published, in order. Reading goes on when it is asked for the next one. */
const payloadsOf = async (values: OptionValues, { stdin }: CommandContext): Promise<AsyncIterable<Payload>> => {
  const repeat = values.integer('repeat', 1, 1, Number.MAX_SAFE_INTEGER)
  const delayMs = values.number('repeat-delay', 0, 0, 2_147_483) * 1000
  if (values.has('stdin-line')) {
    if (repeat > 1) throw new UsageError('--repeat is for one message, not for --stdin-line.')
    return lines(stdin)
  }
  const file = values.text('file')
  const payload =
    file !== undefined
      ? await filePayload(file)
      : values.has('stdin-file')
        ? await wholeInput(stdin)
        : Buffer.from(values.text('message') ?? '')
  return repeated(payload, repeat, delayMs)
}

async function* repeated(payload: Payload, count: number, delayMs: number): AsyncGenerator<Payload, void> {
  for (let sent = 0; sent < count; sent += 1) {
    if (sent > 0 && delayMs > 0) await sleep(delayMs)
    yield payload
  }
}

async function* lines(stdin: CommandContext['stdin']): AsyncGenerator<Payload, void> {
  const reader = createInterface({ input: stdin, crlfDelay: Number.POSITIVE_INFINITY })
  for await (const line of reader) yield Buffer.from(line)
}

const wholeInput = async (stdin: CommandContext['stdin']): Promise<Buffer> => {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of stdin) {
    chunks.push(Buffer.from(chunk as Buffer))
    length += (chunk as Buffer).length
    if (length > MAXIMUM_PACKET_SIZE) {
      throw new CommandError(
        clientExitCodes.oversizePacket,
        'The standard input is longer than a message can be (256 MiB).',
      )
    }
  }
  return Buffer.concat(chunks)
}

/** One run of the command. */
class Publisher {
  readonly #values: OptionValues
  readonly #connecting: Connecting
  readonly #message: Omit<PublishMessage, 'payload'>
  readonly #context: CommandContext
  readonly #client: MqttClient
  readonly #progress: Progress
  readonly #pending = new Set<Promise<void>>()
  readonly #maximumPending: number
  #published = 0
  /** Of the first message that the broker refused. */
  #refusal: ClientError | undefined
  /** Why a message could not be published. */
  #failure: Error | undefined
  #isConnected = false
  #isInterrupted = false

  constructor(
    values: OptionValues,
    connecting: Connecting,
    message: Omit<PublishMessage, 'payload'>,
    context: CommandContext,
  ) {
    this.#values = values
    this.#connecting = connecting
    this.#message = message
    this.#context = context
    this.#maximumPending = values.integer('max-inflight', 20, 1, 65_535)
    this.#client = new MqttClient({
      ...connecting.options,
      maximumInFlight: this.#maximumPending,
      reconnect: reconnectNotices(values, context),
    })
    this.#progress = new Progress(context.stderr)
  }

  async run(payloads: AsyncIterable<Payload>): Promise<number> {
    const { stdin } = this.#context
    let interrupt!: () => void
    const interrupted = new Promise<'interrupted'>((resolve) => {
      interrupt = () => resolve('interrupted')
    })
    const removeInterrupt = this.#context.onInterrupt(() => {
      // Before there is a connection nothing can be waited for. The second one does not wait for acknowledgements.
      if (this.#isInterrupted || !this.#isConnected) this.#client.destroy()
      this.#isInterrupted = true
      interrupt()
    })
    try {
      await this.#client.connect()
      this.#isConnected = true
      await this.#publishAll(payloads, interrupted)
      await this.#settled()
      const allSent = await this.#client.disconnect(
        0,
        disconnectProperties(this.#connecting.endsSession, this.#connecting),
      )
      if (this.#isInterrupted) return 130
      if (this.#refusal !== undefined) throw this.#refusal
      if (!allSent) throw new ClientError('LOST', 'The broker stopped reading: not everything was sent.')
      return exitCodes.ok
    } catch (error) {
      if (this.#isInterrupted) return 130
      throw error
    } finally {
      removeInterrupt()
      this.#progress.clear()
      this.#client.destroy()
      // An open standard input would keep the process alive.
      if (this.#values.has('stdin-line')) stdin.destroy()
    }
  }

  async #publishAll(payloads: AsyncIterable<Payload>, interrupted: Promise<'interrupted'>): Promise<void> {
    const iterator = payloads[Symbol.asyncIterator]()
    for (;;) {
      const next = await Promise.race([iterator.next(), interrupted, this.#client.ended])
      if (next === 'interrupted') return
      if (next instanceof ClientError) throw next
      if (next.done === true) return
      while (this.#pending.size >= this.#maximumPending) await Promise.race(this.#pending)
      const published = this.#publish(next.value)
      this.#pending.add(published)
      void published.then(() => this.#pending.delete(published))
      if (this.#message.qos === 0) await published
      if (this.#failure !== undefined) throw this.#failure
      if (this.#context.stdin.isTTY !== true || !this.#values.has('stdin-line')) this.#count()
    }
  }

  /** Never rejects. */
  async #publish(payload: Payload): Promise<void> {
    const { length } = payload
    const progress = isStreamed(payload)
      ? (bytes: number) => this.#progress.show(() => progressBar(bytes, length))
      : undefined
    try {
      const { reasonCode, properties } = await this.#client.publish({ ...this.#message, payload }, progress)
      this.#published += 1
      if (reasonCode < 0x80) return
      this.#refusal ??= refusedBy(`message on ${this.#message.topic}`, reasonCode, properties['reasonString'])
    } catch (error) {
      this.#failure ??= error as Error
    }
  }

  /** Waits for all acknowledgements. */
  async #settled(): Promise<void> {
    while (this.#pending.size > 0) {
      await Promise.race([...this.#pending])
      this.#count()
    }
    if (this.#failure !== undefined) throw this.#failure
  }

  #count(): void {
    this.#progress.show(() => {
      const waiting = this.#pending.size
      return `${this.#published} messages published${waiting === 0 ? '' : `, ${waiting} not acknowledged yet`}`
    })
  }
}

export const main = commandMain(spec, run)
