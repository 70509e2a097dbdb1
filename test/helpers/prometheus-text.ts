/** Reads the texts of metrics as strictly as `promtool check metrics` and the parser of OpenMetrics do. */

export interface ParsedSample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface ParsedFamily {
  readonly name: string
  readonly type: string
  readonly help: string
  readonly unit: string | undefined
  readonly samples: readonly ParsedSample[]
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*'
const HEAD = new RegExp(`^# (HELP|TYPE|UNIT) (${NAME}) ?(.*)$`)
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(.*)\\})? (\\S+)$`)
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)/
const NUMBER = /^(?:[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|[+-]Inf|NaN)$/i
/** What may follow the name of a family, by its type. */
const SUFFIXES: Readonly<Record<string, Readonly<Record<'prometheus' | 'openmetrics', readonly string[]>>>> = {
  counter: { prometheus: [''], openmetrics: ['_total', '_created'] },
  gauge: { prometheus: [''], openmetrics: [''] },
  histogram: { prometheus: ['_bucket', '_sum', '_count'], openmetrics: ['_bucket', '_sum', '_count', '_created'] },
  info: { prometheus: [], openmetrics: ['_info'] },
  unknown: { prometheus: [], openmetrics: [''] },
}

/**
 * The families of a text, by name. @throws Error with the line if the text is not legal: names, escapes, numbers, a family that is not
 * in one piece, a second help or type, a series that is there twice, a suffix that does not fit the type, a histogram that does not
 * add up, a unit that is not the end of the name.
 */
export const parseMetrics = (text: string, format: 'prometheus' | 'openmetrics'): Map<string, ParsedFamily> => {
  const families = new Map<string, ParsedFamily>()
  const series = new Set<string>()
  let current:
    | { name: string; type: string; help: string; unit: string | undefined; samples: ParsedSample[] }
    | undefined
  if (!text.endsWith('\n')) throw new Error('the last line has no end')
  const lines = text.slice(0, -1).split('\n')
  if (format === 'openmetrics' && lines.pop() !== '# EOF') throw new Error('the last line is not # EOF')
  for (const line of lines) {
    const fail = (problem: string): never => {
      throw new Error(`${problem}: ${line}`)
    }
    const head = line.match(HEAD)
    if (head !== null) {
      const [, word, name, rest] = head as unknown as [string, string, string, string]
      if (current?.name !== name) {
        if (families.has(name)) fail('a family that is not in one piece')
        current = { name, type: '', help: '', unit: undefined, samples: [] }
        families.set(name, current)
      }
      if (current.samples.length > 0) fail('a head behind samples')
      if (word === 'HELP') {
        if (current.help !== '') fail('a second help')
        if (!/^(?:[^\\]|\\[\\n"])+$/.test(rest)) fail('no legal help')
        current.help = rest
      } else if (word === 'UNIT') {
        if (format !== 'openmetrics' || !name.endsWith(`_${rest}`)) fail('no legal unit')
        current.unit = rest
      } else {
        if (current.type !== '') fail('a second type')
        if (SUFFIXES[rest]?.[format].length === undefined || SUFFIXES[rest][format].length === 0) fail('no legal type')
        current.type = rest
      }
      continue
    }
    const [, name, labelText = '', number] = (line.match(SAMPLE) ?? fail('no legal line')) as string[]
    if (current === undefined || !name!.startsWith(current.name))
      throw new Error(`a sample without its family: ${line}`)
    const suffix = name!.slice(current.name.length)
    if (!SUFFIXES[current.type]?.[format].includes(suffix)) fail(`a ${current.type} with the suffix '${suffix}'`)
    if (!NUMBER.test(number!)) fail('no legal number')
    const labels = labelsOf(labelText, fail)
    const identity = JSON.stringify([name, Object.entries(labels).sort()])
    if (series.has(identity)) fail('a series that is there twice')
    series.add(identity)
    const value = numberOf(number!)
    if (current.type === 'counter' && !(value >= 0)) fail('a counter that is negative')
    current.samples.push({ name: name!, labels, value })
  }
  for (const family of families.values()) checkFamily(family, format)
  checkOverlaps(families)
  return families
}

/** What is against the conventions for names: `promtool check metrics` reports it as well. @returns the problems. */
export const lintMetrics = (
  families: ReadonlyMap<string, ParsedFamily>,
  format: 'prometheus' | 'openmetrics',
): string[] => {
  const problems: string[] = []
  for (const { name, type, samples } of families.values()) {
    const isCounter = type === 'counter'
    if (format === 'prometheus' && isCounter !== name.endsWith('_total'))
      problems.push(`${name}: counters end in _total, others do not`)
    if (type !== 'histogram' && /_(bucket|count|sum)$/.test(name)) problems.push(`${name}: the ending of a histogram`)
    if (/[A-Z]/.test(name) || /__/.test(name)) problems.push(`${name}: names are in snake case`)
    if (/_(milliseconds|ms|minutes|hours|days|kilobytes|megabytes|kb|mb)(_total)?$/.test(name)) {
      problems.push(`${name}: no base unit`)
    }
    if (new RegExp(`_(${type})(_|$)`).test(name)) problems.push(`${name}: the name has the type`)
    const sets = new Set(
      samples.map(({ labels }) =>
        Object.keys(labels)
          .filter((each) => each !== 'le')
          .sort()
          .join(),
      ),
    )
    if (sets.size > 1 && sets.has('')) problems.push(`${name}: samples with and without labels`)
  }
  return problems
}

const checkFamily = ({ name, type, help, samples }: ParsedFamily, format: string): void => {
  if (type === '' || help === '') throw new Error(`${name} has no type or no help`)
  if (samples.length === 0) throw new Error(`${name} has no samples`)
  if (format === 'openmetrics' && type === 'counter' && name.endsWith('_total')) {
    throw new Error(`${name}: in OpenMetrics the family of a counter does not end in _total`)
  }
  if (type !== 'histogram') return
  const sampleOf = (suffix: string): number =>
    samples.find((sample) => sample.name === name + suffix)?.value ?? Number.NaN
  const buckets = samples.filter((sample) => sample.name === `${name}_bucket`)
  const bounds = buckets.map(({ labels }) => numberOf(labels['le'] ?? ''))
  const counts = buckets.map(({ value }) => value)
  const grows = (numbers: readonly number[]) => numbers.every((each, at) => at === 0 || each >= numbers[at - 1]!)
  if (
    !grows(bounds) ||
    !grows(counts) ||
    bounds.at(-1) !== Number.POSITIVE_INFINITY ||
    counts.at(-1) !== sampleOf('_count')
  ) {
    throw new Error(`${name}: the buckets do not add up`)
  }
  if (Number.isNaN(sampleOf('_sum'))) throw new Error(`${name} has no sum`)
}

/** The names of samples of one family must not be those of another. */
const checkOverlaps = (families: ReadonlyMap<string, ParsedFamily>): void => {
  const owners = new Map<string, string>()
  for (const { name, samples } of families.values()) {
    for (const sample of samples) {
      const owner = owners.get(sample.name) ?? name
      if (owner !== name) throw new Error(`${sample.name} is in the families ${owner} and ${name}`)
      owners.set(sample.name, name)
    }
  }
}

const labelsOf = (text: string, fail: (problem: string) => never): Record<string, string> => {
  const labels: Record<string, string> = {}
  let rest = text
  while (rest !== '') {
    const [whole, name, value] = rest.match(LABEL) ?? fail('no legal labels')
    if (name! in labels) fail('a label that is there twice')
    labels[name!] = value!.replace(/\\([\\"n])/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped))
    rest = rest.slice(whole.length)
  }
  return labels
}

const numberOf = (text: string): number => {
  if (/^\+?Inf$/i.test(text)) return Number.POSITIVE_INFINITY
  return /^-Inf$/i.test(text) ? Number.NEGATIVE_INFINITY : Number(text)
}
