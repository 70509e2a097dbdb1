import type { ComponentMeasure, Measure } from '../../src/system/define-system.ts'
import type { Family, Sample } from './family.ts'

/** What a component provides: the name of its kind, and of its variant, if it has one. */
export interface ComponentKind {
  readonly kind: string
  readonly variant?: string | undefined
}

/** The families of the measures, and how many measures could not be one. */
export interface MeasuredFamilies {
  readonly families: readonly Family[]
  /** The measures that are left out since another one has their name and another type, or the same labels. */
  readonly conflicts: readonly string[]
}

/**
 * The families of all measures. Their names consist of `mqtt_jig`, the kind of the component, and the name and the unit of the measure:
 * `mqtt_jig_server_received_bytes_total`. So two components of a kind share a family, and a component may have any name in the
 * config. That name is the label `component`.
 */
export const measuredFamilies = (
  measures: readonly ComponentMeasure[],
  kinds: ReadonlyMap<string, ComponentKind>,
): MeasuredFamilies => {
  const families = new Map<string, Family & { readonly samples: Sample[] }>()
  const known = new Set<string>()
  const conflicts: string[] = []
  for (const { component, measure } of measures) {
    const { name, unit, scale } = metricOf(prefixOf(kinds.get(component)), measure)
    // The name in the config goes last, so that it holds if a measure has a label of this name.
    const labels = Object.entries({ ...measure.labels, component }).sort(([a], [b]) => (a < b ? -1 : 1))
    const identity = JSON.stringify([name, labels])
    const family = families.get(name)
    if (known.has(identity) || (family !== undefined && family.type !== measure.kind)) {
      conflicts.push(`${component}.${measure.name}`)
      continue
    }
    known.add(identity)
    const sample: Sample = { labels, read: scale === 1 ? () => measure.read() : () => measure.read() * scale }
    if (family !== undefined) family.samples.push(sample)
    else families.set(name, { name, type: measure.kind, help: measure.help, unit, samples: [sample] })
  }
  return { families: [...families.values()], conflicts }
}

/** The part of the names that stands for the kind of a component. */
const prefixOf = (kind: ComponentKind | undefined): string => {
  // All stages of the pipeline are of one kind; `listener` is where connections come in, of which the server has several.
  if (kind?.variant !== undefined) return snakeCase(kind.variant)
  return kind?.kind === 'Listener' ? 'server' : snakeCase(kind?.kind ?? 'component')
}

const snakeCase = (name: string): string =>
  name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/[^a-zA-Z0-9]+/g, '_')
    .toLowerCase()

/** Units that say nothing which the name does not say. */
const OMITTED_UNITS: ReadonlySet<string> = new Set(['times', 'level', 'levels'])
/** Units that are converted to a base unit, with the factor. */
const BASE_UNITS: ReadonlyMap<string, readonly [unit: 'seconds', factor: number]> = new Map([
  ['days', ['seconds', 86_400]],
  ['milliseconds', ['seconds', 1 / 1_000]],
])
/** Endings that the formats give a meaning. */
const RESERVED_ENDING = /_(total|info|count|sum|bucket|created|gcount|gsum)$/

const metricOf = (prefix: string, measure: Measure): Pick<Family, 'name' | 'unit'> & { readonly scale: number } => {
  const [unit, scale] = BASE_UNITS.get(measure.unit) ?? [measure.unit, 1]
  const base = `mqtt_jig_${prefix}_${measure.name}`
  const word = snakeCase(unit)
  const name = OMITTED_UNITS.has(unit) || `_${measure.name}`.endsWith(`_${word}`) ? base : `${base}_${word}`
  return {
    name: RESERVED_ENDING.test(name) ? `${name}_value` : name,
    unit: unit === 'seconds' || unit === 'bytes' ? unit : undefined,
    scale,
  }
}
