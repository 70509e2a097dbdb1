import { expect, test } from 'vitest'
import type { BenchCase } from './bench-case.ts'
import { benchCases } from './cases.ts'
import { noFaults, type Outcome } from './plan.ts'
import { formatCase, formatCheck } from './report.ts'
import { compareSubjects, faultsOf, formatRatio, isFaulty, refusalsOf, type SubjectResult } from './results.ts'

const qos0 = benchCases({ connections: 10 }).find(({ name }) => name === 'qos0-pairs') as BenchCase

const measured = (cpuPerMessageUs: number, faults: object = {}): Outcome => ({
  status: 'measured',
  values: { cpuPerMessageUs },
  faults: { ...noFaults(), ...faults },
  warnings: [],
})
const subject = (name: string, outcomes: readonly Outcome[]): SubjectResult => ({
  name,
  description: name,
  isOwn: name === 'own',
  outcomes,
})
const resultOf = (subjects: readonly SubjectResult[]) => ({
  name: qos0.name,
  summary: qos0.summary,
  ...{ warmUpMs: 1000, measureMs: 3000 },
  subjects,
  ratios: compareSubjects(qos0, subjects),
})

test('ratios use the rounds in which both were measured, and show their direction', () => {
  const own = subject('own', [measured(1), measured(2), measured(3)])
  const peer = subject('peer', [measured(10), { status: 'error', reason: 'crash' }, measured(24)])
  const [ratio, ...others] = compareSubjects(qos0, [own, peer])
  expect(others).toEqual([])
  expect(ratio).toMatchObject({ metric: 'cpuPerMessageUs', of: 'own', to: 'peer', rounds: 2, lowest: 0.1 })
  expect(formatRatio(ratio!)).toBe('8.89× less CPU per message than peer (8.00-10.00, 2 rounds)')
  expect(formatRatio({ ...ratio!, median: 1.5, rounds: 1 })).toBe('1.50× the CPU per message of peer (worse) (1 round)')
  const throughput = { ...ratio!, metric: 'messagesPerSecond', rounds: 1 } as const
  expect(formatRatio({ ...throughput, median: 3 })).toBe('3.00× the messages a second of peer (1 round)')
  expect(formatRatio({ ...throughput, median: 0.5 })).toBe('2.00× less messages a second than peer (worse) (1 round)')
})

test('faults are summed over the rounds, and are what makes a run fail', () => {
  const wrong = subject('own', [measured(1, { lost: 2 }), measured(1, { lost: 1, wrongAcknowledgements: 4 })])
  expect(faultsOf(wrong)).toEqual(['3 lost', '4 wrong acknowledgements'])
  expect(isFaulty(wrong, false)).toBe(true)
  expect(isFaulty(subject('own', [measured(1)]), true)).toBe(false)
  expect(isFaulty(subject('own', [{ status: 'error', reason: 'crash' }]), false)).toBe(true)
})

test('a refusal is not a fault in a measurement, but is one in a check', () => {
  const refused = subject('own', [{ status: 'refused', reason: 'CONNACK 0x84' }])
  expect(isFaulty(refused, false)).toBe(false)
  expect(isFaulty(refused, true)).toBe(true)
  expect(refusalsOf(refused)).toEqual(['refused: CONNACK 0x84'])
})

test('a table shows what was measured, what was refused and what was wrong', () => {
  const text = formatCase(
    qos0,
    resultOf([
      subject('own', [measured(1.5, { lost: 1 })]),
      subject('peer', [measured(3)]),
      subject('other', [{ status: 'refused', reason: 'CONNACK 0x84' }]),
    ]),
  )
  expect(text).toMatch(/^ {2}own +1\.50 +-/m)
  expect(text).toContain('  own: 2.00× less CPU per message than peer (1 round)')
  expect(text).toContain('  own: FAULT: 1 lost')
  expect(text).toContain('  other: refused: CONNACK 0x84')
})

test('a check reports ok if everything was delivered, at any speed', () => {
  expect(formatCheck(resultOf([subject('own', [measured(1)])]))).toBe('ok     qos0-pairs, own')
  expect(formatCheck(resultOf([subject('own', [measured(1, { duplicated: 1 })])]))).toMatch(
    /^FAULT .*\n +1 duplicated$/,
  )
  const late: Outcome = { ...measured(1), warnings: ['the load generator was late itself'] } as Outcome
  expect(formatCheck(resultOf([subject('own', [late])]))).toBe('ok     qos0-pairs, own')
  expect(formatCheck(resultOf([{ ...subject('own', []), lacks: 'knows QoS 0 alone' }]))).toMatch(/^- /)
})
