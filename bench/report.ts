/** Results as tables for people. */

import type { BenchCase } from './bench-case.ts'
import { type MetricName, metrics } from './metrics.ts'
import type { Plan } from './plan.ts'
import {
  type CaseResult,
  faultsOf,
  formatRatio,
  isFaulty,
  mediansOf,
  refusalsOf,
  type SubjectResult,
  warningsOf,
} from './results.ts'

const columnsOf = (plan: Plan): readonly MetricName[] => {
  switch (plan.kind) {
    case 'connect':
    case 'crowd':
      return [
        'cpuPerConnectionUs',
        'connectionsPerSecond',
        'rssPeakBytes',
        'rssSlopeBytesPerMinute',
        'brokerCpuShare',
        'generatorCpuShare',
        'othersCpuShare',
      ]
    case 'idle':
      return ['bytesPerConnection', 'connectionsPerSecond']
    case 'load':
      return plan.pace.mode === 'rate'
        ? [
            'latencyP50Us',
            'latencyP99Us',
            'latencyP999Us',
            'latencyMaxUs',
            'cpuPerMessageUs',
            'messagesPerSecond',
            'rssPeakBytes',
            'brokerCpuShare',
            'othersCpuShare',
          ]
        : [
            'cpuPerMessageUs',
            'messagesPerSecond',
            'bytesPerSecond',
            'latencyP50Us',
            'latencyP99Us',
            'rssPeakBytes',
            'brokerCpuShare',
            'generatorCpuShare',
            'othersCpuShare',
          ]
  }
}

/** The table of a case, with notes below it. */
export const formatCase = ({ plan, headlines }: BenchCase, result: CaseResult): string => {
  const columns = [...new Set([...columnsOf(plan), ...headlines])]
  const rows = result.subjects.map((subject) => {
    const medians = mediansOf(subject)
    return [subject.name, ...columns.map((column) => cell(column, medians[column]))]
  })
  const table = formatTable([['', ...columns.map((column) => metrics[column].label)], ...rows])
  const own = result.subjects[0]!.name
  return [
    `${result.name}: ${result.summary}`,
    ...table,
    ...result.ratios.map((ratio) => `  ${own}: ${formatRatio(ratio)}`),
    ...result.subjects.flatMap(remarks),
    ...formatWarnings(result.subjects),
    '',
  ].join('\n')
}

/** A line for each case and broker with the result of its deliveries. Warnings concern time and are not part of a check. */
export const formatCheck = ({ name, subjects }: CaseResult): string =>
  subjects
    .map((subject) => {
      const faults = faultsOf(subject)
      const wrong = [...faults, ...refusalsOf(subject), ...(faults.length > 0 ? warningsOf(subject) : [])]
      const verdict = isFaulty(subject, true) ? 'FAULT ' : subject.lacks === undefined ? 'ok    ' : '-     '
      return [`${verdict} ${name}, ${subject.name}`, ...wrong.map((text) => `         ${text}`)].join('\n')
    })
    .join('\n')

const cell = (name: MetricName, value: number | undefined): string =>
  value === undefined ? '-' : metrics[name].format(value)

const remarks = (subject: SubjectResult): string[] => [
  ...refusalsOf(subject).map((text) => `  ${subject.name}: ${text}`),
  ...faultsOf(subject).map((text) => `  ${subject.name}: FAULT: ${text}`),
]

/** Each warning once, with the brokers that it concerns. */
const formatWarnings = (subjects: readonly SubjectResult[]): string[] => {
  const texts = new Set(subjects.flatMap(warningsOf))
  return [...texts].map((text) => {
    const names = subjects.filter((subject) => warningsOf(subject).includes(text)).map(({ name }) => name)
    return `  warning: ${text} (${names.join(', ')})`
  })
}

/** The first column is aligned to the left, all others to the right. */
const formatTable = (rows: readonly (readonly string[])[]): string[] => {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  return rows.map((row) => {
    const [first, ...rest] = row.map((text, column) =>
      column === 0 ? text.padEnd(widths[0]!) : text.padStart(widths[column]!),
    )
    return `  ${[first, ...rest].join('  ')}`.trimEnd()
  })
}
