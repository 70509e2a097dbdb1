/** Measures: the numbers of a component for operators. Metrics, status pages and the REPL read them in the same way. */

import { isPlainObject } from './plain-object.ts'
import { found } from './suggestion.ts'

/** A number of a component, read on request. */
export interface Measure {
  /** Lower case words joined by `_`, without the name of the component and without the unit: `pending`. */
  readonly name: string
  /** What the number is, in a sentence. */
  readonly help: string
  /** What is counted, in the plural and in lower case: `connections`, `bytes`, `seconds`. */
  readonly unit: string
  /** A gauge goes up and down; a counter only goes up, from 0 at the start of the component. */
  readonly kind: 'gauge' | 'counter'
  /** Reads the current number. It must be cheap, change nothing and not throw. */
  read(): number
  /** Distinguishes measures of the same name: `{ qos: '1' }`. */
  readonly labels?: Readonly<Record<string, string>>
}

/** A number that goes up and down. The arguments are the fields of `Measure`. */
export const gauge = (name: string, unit: string, help: string, read: () => number): Measure => ({
  name,
  help,
  unit,
  kind: 'gauge',
  read,
})

/** A number that only goes up, from 0 at the start of the component. The arguments are the fields of `Measure`. */
export const counter = (
  name: string,
  unit: string,
  help: string,
  read: () => number,
  labels?: Readonly<Record<string, string>>,
): Measure => ({ name, help, unit, kind: 'counter', read, ...(labels !== undefined && { labels }) })

/** A measure, and the component that has it. */
export interface ComponentMeasure {
  /** The name of the component in the system config. */
  readonly component: string
  readonly measure: Measure
}

/** @returns the problem of the value that a component's `measure` returned; undefined if it is a list of measures. */
export const measuresFault = (measures: unknown): string | undefined => {
  if (!Array.isArray(measures)) return `returned ${found(measures)}, not a list of measures`
  const known = new Set<string>()
  for (const [index, measure] of measures.entries()) {
    const fault = measureFault(measure)
    if (fault !== undefined) return `returned a measure [${index}] that is not right: ${fault}`
    const { name, labels } = measure as Measure
    const identity = JSON.stringify([name, Object.entries(labels ?? {}).sort()])
    if (known.has(identity)) return `returned two measures '${name}' with the same labels`
    known.add(identity)
  }
  return undefined
}

const measureFault = (measure: unknown): string | undefined => {
  if (typeof measure !== 'object' || measure === null) return `it is ${found(measure)}`
  const { name, help, unit, kind, read, labels } = measure as Readonly<Record<string, unknown>>
  if (typeof name !== 'string' || !isWord(name))
    return `its 'name' is ${found(name)}; a name is lower case words joined by '_'`
  if (typeof help !== 'string' || help === '') return `'${name}' has no 'help'`
  if (typeof unit !== 'string' || unit === '') return `'${name}' has no 'unit'`
  if (kind !== 'gauge' && kind !== 'counter') return `the 'kind' of '${name}' is neither 'gauge' nor 'counter'`
  if (typeof read !== 'function') return `the 'read' of '${name}' is ${found(read)}, not a function`
  if (labels === undefined) return undefined
  const isRight =
    isPlainObject(labels) &&
    Object.entries(labels).every(([label, value]) => isWord(label) && typeof value === 'string')
  return isRight ? undefined : `the 'labels' of '${name}' must be texts by lower case names`
}

const isWord = (text: string): boolean => /^[a-z][a-z0-9_]*$/.test(text)
