import type { RecordableHistogram } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Job, LoadPlan, Outcome, Values } from '../plan.ts'
import { ChurnClient, startChurn } from './churn.ts'
import { Client, Refusal } from './client.ts'
import { ClosedLoop } from './closed-loop.ts'
import { inParallel } from './in-parallel.ts'
import { disturbance, Interval } from './interval.ts'
import { Meter } from './meter.ts'
import { OpenLoop } from './open-loop.ts'
import { Publisher } from './publisher.ts'
import { Subscriber } from './subscriber.ts'

/** Connections opened at the same time. */
const connectConcurrency = 100
/** Filters in one SUBSCRIBE packet. */
const filtersPerPacket = 100
/** How long the first message of each publisher may take, in milliseconds. */
const firstMessageDeadlineMs = 10_000
/** After this time without a delivery no more deliveries are expected, in milliseconds. */
const stallMs = 10_000
/** In a closed loop the latency of every eighth message is recorded: there it says little, and recording costs. */
const closedLoopSampleMask = 0b111

export type Report = (phase: string, part: number) => void

/** Runs messages through the broker: set-up, a first message of each publisher, warm-up, measuring, the remaining messages. */
export const runLoad = async (plan: LoadPlan, job: Job, report: Report): Promise<Outcome> => {
  const meter = new Meter(plan.pace.mode === 'window' ? closedLoopSampleMask : 0)
  const loop = new ClosedLoop()
  const crowd = makeCrowd(plan, job, meter, loop)
  report('connecting', 0)
  await connectAll(plan, crowd)
  report('first messages', 0)
  await firstMessages(crowd, meter)
  const open = plan.pace.mode === 'rate' ? new OpenLoop(crowd.publishers, plan.pace.perSecond, meter) : undefined
  if (open === undefined) loop.start(crowd.publishers)
  else open.start()
  const endChurn = plan.churn === undefined ? undefined : startChurn(crowd.churners, plan.churn.perSecond)
  const values = await measure(plan, job, meter, report)
  loop.stop()
  open?.stop()
  endChurn?.()
  report('draining', 1)
  await drain(crowd, meter)
  if (plan.sessions !== 'absent') for (const subscriber of crowd.subscribers) subscriber.judge()
  for (const { inFlight } of crowd.publishers) meter.faults.missingAcknowledgements += inFlight
  for (const { unanswered } of crowd.churners) meter.faults.missingAcknowledgements += unanswered
  for (const client of allOf(crowd)) client.destroy()
  return {
    status: 'measured',
    values: { ...values, ...latencies(meter, plan) },
    faults: meter.faults,
    warnings: [...meter.endings, ...doubts(plan, values, meter)],
  }
}

interface Crowd {
  readonly publishers: readonly Publisher[]
  readonly subscribers: readonly Subscriber[]
  readonly churners: readonly ChurnClient[]
  readonly others: readonly Client[]
  /** The filter of each subscriber. */
  readonly filters: readonly string[]
}

const allOf = ({ publishers, subscribers, churners, others }: Crowd): readonly Client[] => [
  ...publishers,
  ...subscribers,
  ...churners,
  ...others,
]

const makeCrowd = (plan: LoadPlan, job: Job, meter: Meter, loop: ClosedLoop): Crowd => {
  const publishers: Publisher[] = []
  const subscribers: Subscriber[] = []
  const filters: string[] = []
  const window = plan.pace.mode === 'window' ? plan.pace.messages : Number.POSITIVE_INFINITY
  for (let group = 0; group < plan.groups; group++) {
    const own = Array.from({ length: plan.publishers }, (_, index) => {
      const topics = Array.from({ length: plan.topics }, (_, topic) => topicName(plan, group, index, topic))
      const stream = group * plan.publishers + index
      const receiving = plan.sessions === 'absent' ? 0 : plan.subscribers
      const publication = { ...plan, subscribers: receiving, stream, topics, window }
      return new Publisher(job, plan.publisherVersion, meter, publication, loop)
    })
    const single = plan.publishers * plan.topics === 1
    const filter = single ? topicName(plan, group, 0, 0) : `bench/${group}/+/value`
    for (let index = 0; index < plan.subscribers; index++) {
      const version = plan.subscriberVersions[index % plan.subscriberVersions.length]!
      subscribers.push(new Subscriber(job, version, meter, { publishers: own, payloadBytes: plan.payloadBytes }))
      filters.push(filter)
    }
    publishers.push(...own)
  }
  const churners = Array.from({ length: plan.churn?.clients ?? 0 }, () => new ChurnClient(job, 4, meter))
  const others = Array.from({ length: plan.others?.clients ?? 0 }, () => new Client(job, 4, meter))
  return { publishers, subscribers, churners, others, filters }
}

/** All topics of a plan have the same length, so that all packets have the same size. */
const topicName = (plan: LoadPlan, group: number, publisher: number, topic: number): string =>
  `bench/${group}/${`${publisher * plan.topics + topic}`.padStart(7, '0')}/value`

const connectAll = async (plan: LoadPlan, { publishers, subscribers, churners, others, filters }: Crowd) => {
  await inParallel(others, connectConcurrency, async (client, index) => {
    await client.connect(`bench-other-${index}`)
    const wanted = Array.from({ length: plan.others!.subscriptions }, (_, number) => otherFilter(index, number))
    for (let start = 0; start < wanted.length; start += filtersPerPacket) {
      await client.subscribe(wanted.slice(start, start + filtersPerPacket), 0)
    }
  })
  await inParallel(subscribers, connectConcurrency, async (client, index) => {
    await client.connect(`bench-subscriber-${index}`, plan.sessions !== undefined)
    await client.subscribe([filters[index]!], plan.qos)
    if (plan.sessions !== 'absent') return
    client.leave()
    await client.closed()
  })
  await inParallel(publishers, connectConcurrency, (client, index) => client.connect(`bench-publisher-${index}`))
  await inParallel(churners, connectConcurrency, (client, index) => client.begin(`bench-churn-${index}`))
}

/** Half of them with wildcards, below a node that every match of the load must pass. */
const otherFilter = (client: number, number: number): string =>
  number % 2 === 0 ? `bench/+/client-${client}/${number}` : `bench/${client}/state/${number}`

/** Every publisher sends a message, so that the broker refuses unsupported features here and not during a measurement. */
const firstMessages = async ({ publishers }: Crowd, meter: Meter): Promise<void> => {
  for (const publisher of publishers) publisher.send(1, performance.now())
  const deadline = performance.now() + firstMessageDeadlineMs
  while (publishers.some(({ idle }) => !idle)) {
    if (meter.endings.length > 0) throw new Refusal(`${meter.endings[0]} after a first message`)
    if (performance.now() > deadline) return
    await sleep(5)
  }
}

const measure = async (plan: LoadPlan, job: Job, meter: Meter, report: Report): Promise<Values> => {
  const { brokerPid, warmUpMs, measureMs } = job
  report('warming up', 0)
  await sleep(warmUpMs)
  const { deliveries, payloadBytes, published } = meter
  const interval = new Interval(brokerPid)
  meter.fromMs = performance.now()
  const part = (): number =>
    plan.deliveries === undefined ? interval.elapsedMs / measureMs : (meter.deliveries - deliveries) / plan.deliveries
  for (let last = progressOf(meter), lastMs = performance.now(); part() < 1; ) {
    await sleep(plan.deliveries === undefined ? Math.max(1, Math.min(100, measureMs - interval.elapsedMs)) : 1)
    report('measuring', Math.min(1, part()))
    if (progressOf(meter) !== last) {
      last = progressOf(meter)
      lastMs = performance.now()
    } else if (performance.now() - lastMs > stallMs) {
      // Lost messages are counted at the end.
      break
    }
  }
  meter.toMs = performance.now()
  const used = interval.end()
  const delivered = meter.deliveries - deliveries
  const cpuMs = used['brokerCpuMs']
  return {
    ...used,
    messagesPerSecond: (delivered * 1000) / used.elapsedMs,
    publishedPerSecond: ((meter.published - published) * 1000) / used.elapsedMs,
    bytesPerSecond: ((meter.payloadBytes - payloadBytes) * 1000) / used.elapsedMs,
    ...(cpuMs === undefined || delivered === 0 ? {} : { cpuPerMessageUs: (cpuMs * 1000) / delivered }),
  }
}

/** Waits for messages on their way. */
const drain = async ({ publishers, churners }: Crowd, meter: Meter): Promise<void> => {
  let last = -1
  let lastMs = performance.now()
  while (publishers.some(({ idle }) => !idle) || churners.some(({ unanswered }) => unanswered > 0)) {
    await sleep(5)
    if (progressOf(meter) !== last) {
      last = progressOf(meter)
      lastMs = performance.now()
    } else if (performance.now() - lastMs > stallMs) return
  }
  // Waits a moment for wrong deliveries, such as duplicates.
  await sleep(50)
}

/** Grows as long as the broker delivers or acknowledges. */
const progressOf = ({ deliveries, acknowledged }: Meter): number => deliveries + acknowledged

const latencies = ({ latencyNs, acknowledgedNs, sendLagNs }: Meter, { pace }: LoadPlan): Values => {
  const us = (histogram: RecordableHistogram, percentile: number) => histogram.percentile(percentile) / 1000
  const acknowledged = acknowledgedNs.count === 0 ? {} : { acknowledgedP50Us: us(acknowledgedNs, 50) }
  if (latencyNs.count === 0) return acknowledged
  return {
    ...acknowledged,
    latencyP50Us: us(latencyNs, 50),
    latencyP99Us: us(latencyNs, 99),
    latencyP999Us: us(latencyNs, 99.9),
    latencyMaxUs: latencyNs.max / 1000,
    ...(pace.mode === 'rate' && sendLagNs.count > 0 ? { sendLagP99Us: us(sendLagNs, 99) } : {}),
  }
}

/** Reasons not to trust the values. */
const doubts = ({ pace }: LoadPlan, values: Values, { sendLagNs, latencyNs }: Meter): string[] => {
  const found = disturbance(values)
  const generator = values['generatorCpuShare']!
  const broker = values['brokerCpuShare']
  if (pace.mode === 'window' && generator > 0.9 && (broker ?? 0) < 0.9) {
    const other = broker === undefined ? '' : `, the broker ${(broker * 100).toFixed(0)} %`
    found.push(
      `the load generator was the bottleneck (it used ${(generator * 100).toFixed(0)} % of a processor${other}): ` +
        'the rate is what it could make, CPU per message still holds',
    )
  }
  const lagUs = sendLagNs.percentile(99) / 1000
  if (pace.mode === 'rate' && sendLagNs.count > 0 && lagUs > 1000 && lagUs > latencyNs.percentile(99) / 2000) {
    found.push(`the load generator was late itself: ${(lagUs / 1000).toFixed(1)} ms at p99`)
  }
  return found
}
