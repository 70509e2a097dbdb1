/** The result of a run, for people. */

import type { LoadResult } from './protocol.ts'
import type { ResetRecord } from './run-edits.ts'

/** The value that so many percent of the values do not exceed; NaN without values. */
export const percentile = (values: readonly number[], percent: number): number => {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil((sorted.length * percent) / 100) - 1)] ?? Number.NaN
}

const ms = (value: number): string => (Number.isNaN(value) ? 'none' : `${value.toFixed(value < 10 ? 1 : 0)} ms`)

export const spreadText = (values: readonly number[]): string =>
  `p50 ${ms(percentile(values, 50))}, p99 ${ms(percentile(values, 99))}, max ${ms(percentile(values, 100))}`

/** How many resets came to what. */
export const resetLines = (records: readonly ResetRecord[]): readonly string[] => {
  const applied = records.flatMap(({ result }) => result.applied ?? [])
  const failed = records.filter(({ result }) => result.failed !== undefined)
  const undone = failed.filter(({ result }) => result.failed?.code === 'RESET_FAILED')
  const verdicts: Record<string, number> = {}
  for (const { verdicts: each } of applied) {
    for (const verdict of Object.values(each)) {
      if (verdict !== 'keep') verdicts[verdict] = (verdicts[verdict] ?? 0) + 1
    }
  }
  const holds = records.map(({ result }) => result.holdMs)
  const between = records.slice(1).map(({ result }) => result.holdBeforeMs)
  return [
    `resets                  ${applied.length} applied, ${undone.length} undone, ${failed.length - undone.length} refused before anything was touched`,
    `verdicts                ${Object.entries(verdicts)
      .map(([name, count]) => `${count} ${name}`)
      .join(', ')}`,
    `connections             ${applied.reduce((sum, { repiped }) => sum + repiped, 0)} re-piped, ${applied.reduce((sum, { closed }) => sum + closed, 0)} closed by a plan`,
    `cut-over                ${spreadText(applied.map(({ cutOverMs }) => cutOverMs))}`,
    `load of the code        ${spreadText(applied.map(({ loadMs }) => loadMs))}`,
    `event loop held         ${spreadText(holds)} in a reset`,
    `                        ${spreadText(between)} between two`,
  ]
}

/** What the clients saw. */
export const loadLines = (loads: readonly LoadResult[], records: readonly ResetRecord[]): readonly string[] => {
  const sum = (of: (load: LoadResult) => number) => loads.reduce((total, load) => total + of(load), 0)
  const byQos = (of: 'lost' | 'doubled') => ([0, 1, 2] as const).map((qos) => sum((load) => load[of][qos])).join(' / ')
  const { during, between } = latencies(loads, records)
  return [
    `messages                ${sum(({ published }) => published)} published, ${sum(({ delivered }) => delivered)} delivered`,
    `disconnected            ${sum(({ disconnected }) => disconnected)}`,
    `lost at QoS 0 / 1 / 2   ${byQos('lost')}`,
    `doubled                 ${byQos('doubled')}`,
    `out of order, wrong     ${sum(({ reordered }) => reordered)}, ${sum(({ wrong }) => wrong)}`,
    `latency in a reset      ${spreadText(during)}`,
    `latency between two     ${spreadText(between)}`,
  ]
}

/** The faults that the clients counted, as sentences. */
export const loadFaults = (loads: readonly LoadResult[]): readonly string[] =>
  loads.flatMap((load) => {
    const counts: [string, number][] = [
      ['connections ended', load.disconnected],
      ...([0, 1, 2] as const).map((qos): [string, number] => [`messages at QoS ${qos} were lost`, load.lost[qos]]),
      ...([0, 1, 2] as const).map((qos): [string, number] => [`messages at QoS ${qos} came twice`, load.doubled[qos]]),
      ['messages came out of order', load.reordered],
      ['messages or acknowledgements were wrong', load.wrong],
    ]
    return [...counts.flatMap(([what, count]) => (count > 0 ? [`${count} ${what}`] : [])), ...load.endings]
  })

/** Messages that were under way in a reset, and the others. */
const latencies = (loads: readonly LoadResult[], records: readonly ResetRecord[]) => {
  const [during, between]: [number[], number[]] = [[], []]
  for (const { sentAtMs, latencyMs } of loads) {
    for (const [index, fromMs] of sentAtMs.entries()) {
      const latency = latencyMs[index]!
      const meets = records.some(({ result }) => fromMs <= result.toMs && fromMs + latency >= result.fromMs)
      ;(meets ? during : between).push(latency)
    }
  }
  return { during, between }
}
