import type { TraceFilter, TraceOptions } from '../../src/kinds/tracer.ts'
import { checkTopicFilter, isSharedFilter } from '../../src/mqtt/topic-filter.ts'
import type { TracerConfig } from './config.ts'

/** The longest text to look for, in characters: those of MQTT are no longer. */
const MAXIMUM_TEXT = 65_535
const NAMES = ['clientId', 'userName', 'address', 'topic'] as const

/** @returns the filter, without what is not given. @throws TypeError with the problem. */
export const checkFilter = (options: TraceFilter): TraceFilter => {
  const filter: { -readonly [K in keyof TraceFilter]: TraceFilter[K] } = {}
  for (const name of NAMES) {
    const value: unknown = options[name]
    if (value === undefined) continue
    if (typeof value !== 'string' || value === '' || value.length > MAXIMUM_TEXT) {
      throw new TypeError(`The ${name} of a trace is a text that is not empty.`)
    }
    filter[name] = value
  }
  if (Object.keys(filter).length === 0) {
    throw new TypeError('A trace follows a clientId, a userName, an address or a topic: give at least one of them.')
  }
  if (filter.topic !== undefined) {
    const bytes = Buffer.from(filter.topic)
    const problem = checkTopicFilter(bytes)
    if (problem !== undefined) throw new TypeError(problem.message)
    if (isSharedFilter(bytes)) throw new TypeError('A trace follows topics, and not a Shared Subscription.')
  }
  return filter
}

/** @returns the bounds of a trace. @throws RangeError if they are over those of the config. */
export const checkBounds = (
  { seconds, maximumLines }: TraceOptions,
  config: TracerConfig,
): { readonly seconds: number; readonly maximumLines: number } => ({
  seconds: bounded('seconds', seconds, config.defaultSeconds, config.maximumSeconds, 0.001),
  maximumLines: Math.floor(bounded('maximumLines', maximumLines, config.defaultLines, config.maximumLines, 1)),
})

const bounded = (name: string, value: unknown, usual: number, most: number, least: number): number => {
  if (value === undefined) return Math.min(usual, most)
  if (typeof value === 'number' && value >= least && value <= most) return value
  throw new RangeError(`The ${name} of a trace are at most ${most}, and more than 0.`)
}
