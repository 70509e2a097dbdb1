/** All metrics: name, unit, and whether less is better. */

export interface Metric {
  /** In the head of a table. */
  readonly label: string
  /** In a sentence: `12× less CPU per message`. */
  readonly noun: string
  readonly better: 'lower' | 'higher'
  readonly format: (value: number) => string
  /** What the number means, for the documentation; a test compares docs/benchmarks.md with it. */
  readonly meaning: string
}

const fixed = (digits: number) => (value: number) => value.toFixed(digits)
const scaled = (factor: number, digits: number) => (value: number) => (value / factor).toFixed(digits)
/** Three significant digits, without an exponent. */
const significant = (value: number) => {
  const digits = value === 0 ? 0 : Math.max(0, Math.min(3, 2 - Math.floor(Math.log10(Math.abs(value)))))
  return value.toFixed(digits)
}
const percent = (value: number) => `${(value * 100).toFixed(0)} %`
const milliseconds = (us: number) => significant(us / 1000)
const mebibytes = scaled(1024 ** 2, 1)

const metric = (
  label: string,
  noun: string,
  better: Metric['better'],
  format: Metric['format'],
  meaning: string,
): Metric => ({ label, noun, better, format, meaning })

export const metrics = {
  cpuPerMessageUs: metric(
    'CPU µs/msg',
    'CPU per message',
    'lower',
    significant,
    'CPU time of the broker, user and system, in microseconds for each delivered message',
  ),
  messagesPerSecond: metric('msgs/s', 'messages a second', 'higher', fixed(0), 'deliveries to subscribers a second'),
  bytesPerSecond: metric('MB/s', 'bytes a second', 'higher', scaled(1e6, 1), 'payload bytes delivered a second'),
  latencyP50Us: metric('p50 ms', 'latency at p50', 'lower', milliseconds, 'median of the latencies'),
  latencyP99Us: metric('p99 ms', 'latency at p99', 'lower', milliseconds, '99th percentile of the latencies'),
  latencyP999Us: metric('p99.9 ms', 'latency at p99.9', 'lower', milliseconds, '99.9th percentile of the latencies'),
  latencyMaxUs: metric('max ms', 'longest latency', 'lower', milliseconds, 'the longest of the latencies'),
  acknowledgedP50Us: metric(
    'ack p50 ms',
    'time to the acknowledgement at p50',
    'lower',
    milliseconds,
    'median of the times until the last acknowledgement of a message at QoS 1 or 2, at a given rate alone',
  ),
  fdatasyncP50Us: metric(
    'fdatasync p50 ms',
    'time of a bare fdatasync',
    'lower',
    milliseconds,
    'median of 4 KiB written and `fdatasync` called beside the store, 200 times with pauses of 10 ms, right after the run',
  ),
  connectionsPerSecond: metric(
    'conns/s',
    'connections a second',
    'higher',
    fixed(0),
    'connections opened, accepted and (but for idle ones) closed again, a second',
  ),
  cpuPerConnectionUs: metric(
    'CPU µs/conn',
    'CPU per connection',
    'lower',
    significant,
    'CPU time of the broker, in microseconds for each connection opened and closed',
  ),
  bytesPerConnection: metric(
    'KiB/conn',
    'memory per connection',
    'lower',
    scaled(1024, 1),
    'growth of the resident memory of the broker for each connection held',
  ),
  rssPeakBytes: metric('RSS MiB', 'memory', 'lower', mebibytes, 'the most resident memory that was seen'),
  rssSlopeBytesPerMinute: metric(
    'RSS MiB/min',
    'growth of memory',
    'lower',
    mebibytes,
    'slope of a line through the resident memory in the second half of the interval',
  ),
  brokerCpuShare: metric('broker CPU', 'CPU', 'lower', percent, 'of one processor, all threads together'),
  othersCpuShare: metric(
    'others CPU',
    'CPU of other programs',
    'lower',
    percent,
    'what all other programs used meanwhile, of one processor: on a quiet machine next to nothing',
  ),
  generatorCpuShare: metric(
    'generator CPU',
    'CPU of the load generator',
    'lower',
    percent,
    'of one processor; near 100 % in the open loop, which does nothing else while it waits',
  ),
} satisfies Readonly<Record<string, Metric>>

export type MetricName = keyof typeof metrics

export const metricNames = Object.keys(metrics) as readonly MetricName[]
