import type { MetricsFormat } from '../../src/kinds/metrics.ts'
import type { Family, Sample } from './family.ts'

/** A line without its number. */
interface Line {
  readonly start: string
  read(): number
}

/** The text of some families in one format. Everything but the numbers is written once. */
export class Exposition {
  readonly #blocks: readonly { readonly head: string; readonly lines: readonly Line[] }[]
  readonly #end: string
  /** The number of its lines with a number. */
  readonly lines: number

  constructor(families: readonly Family[], format: MetricsFormat) {
    this.#blocks = families.map((family) => ({ head: headOf(family, format), lines: linesOf(family, format) }))
    this.lines = this.#blocks.reduce((sum, { lines }) => sum + lines.length, 0)
    this.#end = format === 'openmetrics' ? '# EOF\n' : ''
  }

  /** Reads all numbers. @param failed called for each that cannot be read; its line is left out. */
  text(failed: (error: unknown) => void): string {
    let text = ''
    for (const { head, lines } of this.#blocks) {
      let block = ''
      for (const line of lines) {
        try {
          block += `${line.start} ${numberText(line.read())}\n`
        } catch (error) {
          failed(error)
        }
      }
      if (block !== '') text += head + block
    }
    return text + this.#end
  }
}

const headOf = (family: Family, format: MetricsFormat): string => {
  const { help, unit } = family
  const name = format === 'openmetrics' ? family.name : nameOfSamples(family)
  const unitLine = format === 'openmetrics' && unit !== undefined ? `# UNIT ${name} ${unit}\n` : ''
  // The text format of Prometheus escapes no quotation marks in a help.
  const escaped = format === 'openmetrics' ? escapeValue(help) : help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
  return `# HELP ${name} ${escaped}\n# TYPE ${name} ${typeOf(family, format)}\n${unitLine}`
}

const typeOf = ({ type }: Family, format: MetricsFormat): string =>
  format === 'prometheus' && type === 'info' ? 'gauge' : type

const nameOfSamples = ({ name, type, hasForeignName }: Family): string => {
  if (hasForeignName === true) return name
  return type === 'counter' ? `${name}_total` : type === 'info' ? `${name}_info` : name
}

const linesOf = (family: Family, format: MetricsFormat): readonly Line[] =>
  family.samples.map((sample) => ({
    start: `${sample.suffix === undefined ? nameOfSamples(family) : family.name + sample.suffix}${labelsText(sample, format)}`,
    read: () => sample.read(),
  }))

const labelsText = ({ labels }: Sample, format: MetricsFormat): string => {
  if (labels.length === 0) return ''
  const texts = labels.map(([name, value]) => {
    // OpenMetrics writes the bounds of a histogram as numbers with a decimal point.
    const written = format === 'openmetrics' && name === 'le' && /^\d+$/.test(value) ? `${value}.0` : value
    return `${name}="${escapeValue(written)}"`
  })
  return `{${texts.join(',')}}`
}

const escapeValue = (text: string): string =>
  text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')

const numberText = (value: number): string => {
  if (value === Number.POSITIVE_INFINITY) return '+Inf'
  if (value === Number.NEGATIVE_INFINITY) return '-Inf'
  return String(value)
}
