/** The results by case, and their comparison. */

import type { BenchCase } from './bench-case.ts'
import { type MetricName, metricNames, metrics } from './metrics.ts'
import type { Outcome, Values } from './plan.ts'
import { pairedRatios, type Spread, spread } from './statistics.ts'

/** One broker with one plan of a case, and its results in each round. */
export interface SubjectResult {
  readonly name: string
  readonly description: string
  /** Whether it is our broker: its faults fail the benchmark. */
  readonly isOwn: boolean
  readonly outcomes: readonly Outcome[]
  /** Why it was not run at all. */
  readonly lacks?: string
}

export interface CaseResult {
  readonly name: string
  readonly summary: string
  /** How long each run loaded the broker before it measured, and how long it measured. */
  readonly warmUpMs: number
  readonly measureMs: number
  readonly subjects: readonly SubjectResult[]
  readonly ratios: readonly Ratio[]
}

/** Our broker against another, by the rounds in which both were measured. */
export interface Ratio extends Spread {
  readonly metric: MetricName
  readonly of: string
  readonly to: string
  readonly rounds: number
}

/** Compares the first subject with each other subject, by the headlines of the case. */
export const compareSubjects = (benchCase: BenchCase, subjects: readonly SubjectResult[]): Ratio[] => {
  const [own, ...others] = subjects
  if (own === undefined) return []
  return others.flatMap((other) =>
    benchCase.headlines.flatMap((metric) => {
      const ratios = pairedRatios(valuesOf(own, metric), valuesOf(other, metric))
      return ratios.length === 0
        ? []
        : [{ metric, of: own.name, to: other.name, rounds: ratios.length, ...spread(ratios) }]
    }),
  )
}

/** A metric in each round; undefined where it was not measured. */
export const valuesOf = ({ outcomes }: SubjectResult, metric: MetricName): (number | undefined)[] =>
  outcomes.map((outcome) => (outcome.status === 'measured' ? outcome.values[metric] : undefined))

/** The median of each metric over the rounds. */
export const mediansOf = (subject: SubjectResult): Values =>
  Object.fromEntries(
    metricNames.flatMap((metric) => {
      const values = valuesOf(subject, metric).filter((value) => value !== undefined)
      return values.length === 0 ? [] : [[metric, spread(values).median]]
    }),
  )

/** In words: `12.3× less CPU per message than mosquitto (11.8-12.9, 3 rounds)`, `1.4× the CPU per message of relay (worse)`. */
export const formatRatio = ({ metric, to, rounds, median, lowest, highest }: Ratio): string => {
  const { noun, better } = metrics[metric]
  const isLess = median < 1
  const show = (ratio: number) => (isLess ? 1 / ratio : ratio).toFixed(2)
  const [from, until] = isLess ? [highest, lowest] : [lowest, highest]
  const words = isLess ? `${show(median)}× less ${noun} than ${to}` : `${show(median)}× the ${noun} of ${to}`
  const verdict = isLess === (better === 'lower') ? '' : ' (worse)'
  return `${words}${verdict} (${rounds === 1 ? '1 round' : `${show(from)}-${show(until)}, ${rounds} rounds`})`
}

/** The faults of a subject's deliveries over all rounds, in words; empty if there are none. */
export const faultsOf = ({ outcomes }: SubjectResult): string[] => {
  const sums = new Map<string, number>()
  for (const outcome of outcomes) {
    if (outcome.status !== 'measured') continue
    for (const [name, count] of Object.entries(outcome.faults)) sums.set(name, (sums.get(name) ?? 0) + count)
  }
  return [...sums].filter(([, count]) => count > 0).map(([name, count]) => `${count} ${wordsOf(name)}`)
}

/** Why a subject was not measured, each reason once. */
export const refusalsOf = ({ outcomes, lacks }: SubjectResult): string[] => {
  const reasons = outcomes.flatMap((outcome) =>
    outcome.status === 'measured' ? [] : [`${outcome.status}: ${outcome.reason}`],
  )
  return [...new Set(lacks === undefined ? reasons : [`not run: ${lacks}`])]
}

export const warningsOf = ({ outcomes }: SubjectResult): string[] => [
  ...new Set(outcomes.flatMap((outcome) => (outcome.status === 'measured' ? outcome.warnings : []))),
]

/** Whether our broker delivered everything once and in order. */
export const isFaulty = (subject: SubjectResult, refusalIsFault: boolean): boolean =>
  faultsOf(subject).length > 0 ||
  subject.outcomes.some(({ status }) => status === 'error' || (refusalIsFault && status === 'refused'))

const wordsOf = (name: string): string => name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
