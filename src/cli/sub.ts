/** `mqtt-jig sub`: prints the messages on some topics. */

import type { QoS } from 'mqtt-packet'
import { MqttClient, type ReceivedMessage, refusedBy, type SubscriptionRequest } from '../client/index.ts'
import { exitCodes } from '../command-line.ts'
import { visibleText } from '../terminal/visible-text.ts'
import { type CommandSpec, HELP_OPTION, type OptionValues, UsageError } from './arguments.ts'
import { type CommandContext, write } from './command-context.ts'
import { CONNECTION_OPTIONS, type Connecting, connectionOf, disconnectProperties } from './connection-options.ts'
import { compileFormat, messageJson } from './format-message.ts'
import { reconnectNotices } from './reconnect-notices.ts'
import { clientExitCodes, commandMain } from './run-command.ts'

export const spec: CommandSpec = {
  usage: '-t FILTER [-t FILTER ...] [options]',
  summary: `Subscribes to Topic Filters and prints the messages, until SIGINT. It connects again when the connection is lost, and then
gets the messages at QoS 1 and 2 that came meanwhile.`,
  options: {
    topic: {
      type: 'string',
      short: 't',
      value: 'FILTER',
      isRepeatable: true,
      description: 'a Topic Filter; repeatable',
    },
    qos: { type: 'string', short: 'q', value: 'QOS', description: 'the highest QoS to receive; 0 unless given' },
    verbose: { type: 'boolean', short: 'v', description: 'print the topic before each payload' },
    format: {
      type: 'string',
      short: 'F',
      value: 'FORMAT',
      description: 'what to print: %t the topic, %p the payload, ...; see docs/cli.md',
    },
    json: { type: 'boolean', description: 'print each message as one line of JSON' },
    'no-newline': { type: 'boolean', short: 'N', description: 'print no line break behind a message' },
    count: { type: 'string', short: 'C', value: 'N', description: 'end after N messages' },
    timeout: { type: 'string', short: 'W', value: 'SECONDS', description: 'end after this time, with exit code 27' },
    'exit-after-subscribe': {
      type: 'boolean',
      short: 'E',
      description: 'end when the broker has confirmed the subscriptions',
    },
    'no-retained': { type: 'boolean', short: 'R', description: 'leave out messages that were retained before' },
    'retained-only': { type: 'boolean', description: 'leave out all other messages, and end at the first of them' },
    'retain-as-published': { type: 'boolean', description: 'keep the RETAIN flag of new messages (MQTT 5.0)' },
    'no-local': { type: 'boolean', description: 'leave out messages that this client published (MQTT 5.0)' },
    ...CONNECTION_OPTIONS,
    quiet: { type: 'boolean', description: 'print no errors and notices' },
    ...HELP_OPTION,
  },
  notes: `Exit codes: 0 done or ended by SIGINT; 1 the broker cannot be reached; 2 the command line is wrong; 7 the connection was
lost; 8 TLS failed; 21 the broker broke the protocol; 27 --timeout is over; else the Reason Code of the refusal.`,
}

interface Subscribing {
  readonly requests: readonly SubscriptionRequest[]
  readonly print: (message: ReceivedMessage) => Promise<void> | undefined
  /** Messages to print; Infinity is all. */
  readonly count: number
  readonly timeoutMs: number | undefined
}

const run = async (values: OptionValues, context: CommandContext): Promise<number> => {
  const connecting = await connectionOf(values, context)
  const subscribing = subscribingOf(values, connecting, context)
  return new Subscriber(values, connecting, subscribing, context).run()
}

const subscribingOf = (values: OptionValues, { topic, options }: Connecting, context: CommandContext): Subscribing => {
  const filters = [...values.texts('topic'), ...(topic === undefined ? [] : [topic])]
  if (filters.length === 0) throw new UsageError('Give a Topic Filter: --topic FILTER.')
  if (values.positionals.length > 0) throw new UsageError(`There is no argument '${values.positionals[0]}'.`)
  const qos = values.integer('qos', 0, 0, 2) as QoS
  const hidesRetained = values.has('no-retained')
  if (hidesRetained && values.has('retained-only'))
    throw new UsageError('Give one of --no-retained and --retained-only.')
  if (options.protocolVersion !== 5 && (values.has('retain-as-published') || values.has('no-local'))) {
    throw new UsageError('--retain-as-published and --no-local need MQTT 5.0.')
  }
  const requests = filters.map(
    (filter): SubscriptionRequest => ({
      filter,
      qos,
      noLocal: values.has('no-local'),
      retainAsPublished: values.has('retain-as-published'),
      retainHandling: hidesRetained ? 2 : 0,
    }),
  )
  const timeout = values.number('timeout', 0, 0, 2_147_483)
  return {
    requests,
    print: printerOf(values, context),
    count: values.integer('count', 0, 0, Number.MAX_SAFE_INTEGER) || Number.POSITIVE_INFINITY,
    timeoutMs: timeout === 0 ? undefined : timeout * 1000,
  }
}

const printerOf = (values: OptionValues, { stdout }: CommandContext): Subscribing['print'] => {
  const format = values.text('format')
  if (format !== undefined && values.has('json')) throw new UsageError('Give one of --format and --json.')
  const end = Buffer.from(values.has('no-newline') ? '' : '\n')
  const formatter = values.has('json') ? messageJson : format === undefined ? undefined : compileFormat(format)
  if (formatter !== undefined) return (message) => write(stdout, Buffer.concat([formatter(message, new Date()), end]))
  const isVerbose = values.has('verbose')
  // A terminal obeys control characters, and others wrote these messages.
  const show =
    stdout.isTTY === true ? (bytes: Buffer) => Buffer.from(visibleText(bytes.toString())) : (bytes: Buffer) => bytes
  return ({ topic, payload }) =>
    write(stdout, Buffer.concat([...(isVerbose ? [show(Buffer.from(`${topic} `))] : []), show(payload), end]))
}

/** One run of the command. */
class Subscriber {
  readonly #values: OptionValues
  readonly #connecting: Connecting
  readonly #subscribing: Subscribing
  readonly #context: CommandContext
  readonly #client: MqttClient
  #printed = 0
  #resolveDone!: (code: number) => void
  readonly #done: Promise<number>
  #isDone = false

  constructor(values: OptionValues, connecting: Connecting, subscribing: Subscribing, context: CommandContext) {
    this.#values = values
    this.#connecting = connecting
    this.#subscribing = subscribing
    this.#context = context
    this.#done = new Promise((resolve) => {
      this.#resolveDone = resolve
    })
    this.#client = new MqttClient({
      ...connecting.options,
      reconnect: reconnectNotices(values, context),
      onMessage: (message) => this.#take(message),
    })
  }

  async run(): Promise<number> {
    const { timeoutMs } = this.#subscribing
    const timer =
      timeoutMs === undefined ? undefined : setTimeout(() => this.#finish(clientExitCodes.timeout), timeoutMs)
    const removeInterrupt = this.#context.onInterrupt(() => this.#finish(exitCodes.ok))
    try {
      return await Promise.race([this.#done, this.#receive()])
    } finally {
      this.#isDone = true
      clearTimeout(timer)
      const { endsSession } = this.#connecting
      await this.#client.disconnect(0, disconnectProperties(endsSession, this.#connecting))
      removeInterrupt()
    }
  }

  async #receive(): Promise<number> {
    await this.#client.connect()
    const { requests } = this.#subscribing
    const codes = await this.#client.subscribe(requests, this.#connecting.properties.subscribe)
    for (const [index, code] of codes.entries()) {
      if (code < 0x80) continue
      const refusal = refusedBy(`subscription to ${requests[index]?.filter}`, code)
      if (codes.every((each) => each >= 0x80)) throw refusal
      if (!this.#values.has('quiet')) this.#context.stderr.write(`${refusal.message}\n`)
    }
    if (this.#values.has('exit-after-subscribe')) return exitCodes.ok
    throw await this.#client.ended
  }

  #take(message: ReceivedMessage): Promise<void> | undefined {
    // What is not printed is not acknowledged.
    if (this.#isDone) return new Promise(() => {})
    if (message.retain && this.#values.has('no-retained')) return undefined
    if (!message.retain && this.#values.has('retained-only')) {
      this.#finish(exitCodes.ok)
      return new Promise(() => {})
    }
    this.#printed += 1
    const isLast = this.#printed >= this.#subscribing.count
    if (isLast) this.#isDone = true
    const written = this.#subscribing.print(message)
    // Its acknowledgement is sent first.
    if (isLast) void Promise.resolve(written).then(() => setImmediate(() => this.#finish(exitCodes.ok)))
    return written
  }

  #finish(code: number): void {
    this.#isDone = true
    this.#resolveDone(code)
  }
}

export const main = commandMain(spec, run)
