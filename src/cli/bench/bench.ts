/** `mqtt-jig bench`: loads a broker, and measures messages in a second and latencies. */

import { randomBytes } from 'node:crypto'
import type { QoS } from 'mqtt-packet'
import { exitCodes } from '../../command-line.ts'
import { Progress } from '../../terminal/progress.ts'
import { printObject } from '../admin/output.ts'
import { type CommandSpec, HELP_OPTION, type OptionValues, UsageError } from '../arguments.ts'
import type { CommandContext } from '../command-context.ts'
import { CONNECTION_OPTIONS, connectionOf } from '../connection-options.ts'
import { commandMain } from '../run-command.ts'
import { Load, type LoadOptions, MINIMUM_PAYLOAD_BYTES } from './load.ts'

/** Of the connection options those that make sense for many clients. */
const OWN_CONNECTION_OPTIONS = Object.fromEntries(
  Object.entries(CONNECTION_OPTIONS).filter(
    ([name]) =>
      !name.startsWith('will-') &&
      name !== 'disable-clean-session' &&
      name !== 'no-reconnect' &&
      name !== 'session-expiry-interval',
  ),
)

export const spec: CommandSpec = {
  usage: '[options]',
  summary: `Connects publishers and subscribers to a broker, publishes for some time, and reports messages in a second, messages that were
lost, and latencies. All clients are in one process, which may be the limit: compare with several at the same time.`,
  options: {
    publishers: { type: 'string', value: 'N', description: 'clients that publish; 1 unless given' },
    subscribers: { type: 'string', value: 'N', description: 'clients that subscribe to everything; 1 unless given' },
    pairs: { type: 'string', value: 'N', description: 'instead of both: N publishers, each with its own subscriber' },
    rate: {
      type: 'string',
      value: 'N',
      description: 'messages in a second of each publisher; 0, as many as possible, unless given',
    },
    size: {
      type: 'string',
      value: 'BYTES',
      description: `of a payload, at least ${MINIMUM_PAYLOAD_BYTES}; 64 unless given`,
    },
    qos: { type: 'string', short: 'q', value: 'QOS', description: 'of messages and subscriptions; 0 unless given' },
    duration: { type: 'string', value: 'SECONDS', description: 'how long is published; 10 unless given' },
    topic: {
      type: 'string',
      short: 't',
      value: 'TOPIC',
      description: 'the beginning of the topics; a random one below mqtt-jig-bench unless given',
    },
    'max-inflight': {
      type: 'string',
      short: 'M',
      value: 'N',
      description: 'messages at QoS 1 and 2 of a publisher that may wait for their acknowledgement; 20 unless given',
    },
    ...OWN_CONNECTION_OPTIONS,
    json: { type: 'boolean', description: 'print JSON: what is printed if the output is no terminal' },
    table: { type: 'boolean', description: 'print a table, also if the output is no terminal' },
    ...HELP_OPTION,
  },
  notes: `With --rate a latency begins when the message was due; without, when it was sent.
Exit codes: 0 done; 1 the broker cannot be reached, or messages at QoS 1 or 2 were lost; 2 the command line is wrong; 7 a
connection was lost; 130 ended by a second SIGINT; else as for pub.`,
}

const run = async (values: OptionValues, context: CommandContext): Promise<number> => {
  const options = await loadOptionsOf(values, context)
  const load = new Load(options, randomBytes(8))
  const progress = new Progress(context.stderr)
  let interrupts = 0
  let giveUp!: () => void
  const givenUp = new Promise<'given up'>((resolve) => {
    giveUp = () => resolve('given up')
  })
  const removeInterrupt = context.onInterrupt(() => {
    interrupts += 1
    load.stop()
    if (interrupts > 1) giveUp()
  })
  const rates = new Rates(load)
  const timer = setInterval(() => progress.show(() => rates.text(options.durationMs)), 200)
  try {
    const work = async (): Promise<void> => {
      await load.connect()
      await load.publish()
    }
    if ((await Promise.race([work(), givenUp])) === 'given up') return 130
    progress.clear()
    await report(load, options, values, context)
    const isLost = options.qos > 0 && load.received < load.expected
    return isLost ? exitCodes.failed : exitCodes.ok
  } finally {
    clearInterval(timer)
    progress.clear()
    removeInterrupt()
    await load.end()
  }
}

const MAXIMUM_CLIENTS = 60_000

const loadOptionsOf = async (values: OptionValues, context: CommandContext): Promise<LoadOptions> => {
  if (values.positionals.length > 0) throw new UsageError('bench takes no argument.')
  const pairs = values.integer('pairs', 0, 1, MAXIMUM_CLIENTS)
  if (pairs > 0 && (values.text('publishers') !== undefined || values.text('subscribers') !== undefined)) {
    throw new UsageError('Give either --pairs or --publishers and --subscribers.')
  }
  const topic = values.text('topic') ?? `mqtt-jig-bench/${randomBytes(4).toString('hex')}`
  if (/[+#]/.test(topic)) throw new UsageError('A Topic Name holds neither + nor #.')
  const { options } = await connectionOf(values, context)
  return {
    // Nothing is to be left at the broker.
    client: {
      ...options,
      ...(options.properties === undefined ? {} : { properties: { ...options.properties, sessionExpiryInterval: 0 } }),
    },
    topic,
    publishers: pairs || values.integer('publishers', 1, 1, MAXIMUM_CLIENTS),
    subscribers: pairs || values.integer('subscribers', 1, 0, MAXIMUM_CLIENTS),
    pairs: pairs > 0,
    rate: values.number('rate', 0, 0, 1_000_000),
    payloadBytes: values.integer('size', 64, MINIMUM_PAYLOAD_BYTES, 100_000_000),
    qos: values.integer('qos', 0, 0, 2) as QoS,
    durationMs: values.number('duration', 10, 0.001, 86_400) * 1000,
    maximumInFlight: values.integer('max-inflight', 20, 1, 65_535),
  }
}

/** What the progress line says. */
class Rates {
  readonly #load: Load
  #sent = 0
  #received = 0
  #atMs = performance.now()

  constructor(load: Load) {
    this.#load = load
  }

  text(durationMs: number): string {
    const { connected, total, startedMs, publishedMs, sent, received, expected } = this.#load
    if (startedMs === 0) return `${connected} of ${total} clients connected`
    if (publishedMs > 0) return `waiting for ${expected - received} messages`
    const now = performance.now()
    const seconds = (now - this.#atMs) / 1000
    const rate = (count: number): string => `${Math.round(count / seconds)}/s`
    const text = `${Math.round((now - startedMs) / 1000)} of ${Math.round(durationMs / 1000)} s: sent ${rate(sent - this.#sent)}, received ${rate(received - this.#received)}`
    this.#sent = sent
    this.#received = received
    this.#atMs = now
    return text
  }
}

const report = async (
  load: Load,
  options: LoadOptions,
  values: OptionValues,
  context: CommandContext,
): Promise<void> => {
  const { latencies, sent, received, expected, startedMs, publishedMs, receivedMs } = load
  const seconds = (publishedMs - startedMs) / 1000
  const round = (value: number): number => Number(value.toPrecision(4))
  const percentiles = [
    ['p50Ms', 0.5],
    ['p90Ms', 0.9],
    ['p99Ms', 0.99],
    ['p999Ms', 0.999],
  ] as const
  const latency = Object.fromEntries(
    percentiles.map(([name, share]) => [name, round(latencies.percentileMs(share))]),
  ) as Record<(typeof percentiles)[number][0], number>
  const result = {
    publishers: options.publishers,
    subscribers: options.subscribers,
    pairs: options.pairs,
    qos: options.qos,
    payloadBytes: options.payloadBytes,
    seconds: round(seconds),
    sent,
    sentPerSecond: Math.round(sent / seconds),
    received,
    receivedPerSecond: Math.round(received / ((receivedMs - startedMs) / 1000)),
    lost: expected - received,
    latency: { ...latency, maximumMs: round(latencies.maximumMs) },
  }
  const rows = [
    ['Clients', `${result.publishers} publishers, ${result.subscribers} subscribers`],
    ['Messages', `${result.payloadBytes} bytes at QoS ${result.qos}, for ${result.seconds} s`],
    ['Sent', `${sent}, ${result.sentPerSecond}/s`],
    ['Received', `${received}, ${result.receivedPerSecond}/s`],
    ['Lost', `${result.lost}`],
    [
      'Latency',
      received === 0
        ? 'nothing arrived'
        : `${latency.p50Ms} ms median, ${latency.p90Ms} ms 90 %, ${latency.p99Ms} ms 99 %, ${latency.p999Ms} ms 99.9 %, ${result.latency.maximumMs} ms maximum`,
    ],
  ] as const
  await printObject(result, rows, values, context)
}

export const main = commandMain(spec, run)
