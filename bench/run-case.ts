import type { BenchCase, StoreChoice } from './bench-case.ts'
import type { Broker } from './brokers/broker.ts'
import type { Outcome, Plan, Progress } from './plan.ts'
import { type CaseResult, compareSubjects } from './results.ts'
import { runJob } from './run-job.ts'

/** A broker with a plan. */
export interface Subject {
  readonly name: string
  readonly broker: Broker
  readonly plan: Plan
  readonly store: StoreChoice
  readonly isOwn: boolean
  readonly lacks: string | undefined
}

export interface CaseRun {
  readonly benchCase: BenchCase
  readonly subjects: readonly Subject[]
  readonly rounds: number
  readonly warmUpMs: number
  readonly measureMs: number
  /** The compiled load generator. */
  readonly generator: string
  /** Called when a run begins and during the run. */
  readonly onProgress: (subject: Subject, round: number, progress: Progress) => void
}

/**
 * The subjects of a case: our broker, then the other brokers, then ours with the baseline. The plain server takes part if a
 * case names it.
 * @param brokers ours first.
 */
export const subjectsOf = (benchCase: BenchCase, brokers: readonly Broker[], peers: readonly Broker[]): Subject[] => {
  const { plan, store = 'memory', baseline } = benchCase
  const wanted = peers.filter(({ name }) => benchCase.peers?.includes(name) ?? name !== 'net-server')
  const subjects = [...brokers, ...wanted].map((broker, index) => ({
    name: broker.name,
    broker,
    plan,
    store,
    isOwn: index === 0,
    lacks: broker.lacks(benchCase),
  }))
  if (baseline === undefined) return subjects
  const own = brokers[0]!
  return [
    ...subjects,
    {
      name: `${own.name} (${baseline.name})`,
      broker: own,
      plan: baseline.plan,
      store: baseline.store ?? store,
      isOwn: true,
      lacks: undefined,
    },
  ]
}

/** Runs a case in rounds, A B C A B C, so that a disturbance of the machine affects all subjects. */
export const runCase = async (run: CaseRun): Promise<CaseResult> => {
  const { benchCase, subjects } = run
  const outcomes = new Map<Subject, Outcome[]>(subjects.map((subject) => [subject, []]))
  for (let round = 0; round < run.rounds; round++) {
    for (const subject of subjects) {
      if (!isWorthwhile(subject, outcomes.get(subject)!)) continue
      run.onProgress(subject, round, { type: 'progress', phase: 'starting', part: 0 })
      const outcome = await runJob({
        ...run,
        broker: subject.broker,
        plan: subject.plan,
        settings: benchCase.settings ?? [],
        ...(benchCase.transport === undefined ? {} : { transport: benchCase.transport }),
        store: subject.store,
        onProgress: (progress) => run.onProgress(subject, round, progress),
      })
      outcomes.get(subject)!.push(outcome)
    }
  }
  const results = subjects.map((subject) => ({
    name: subject.name,
    description: subject.broker.description,
    isOwn: subject.isOwn,
    outcomes: outcomes.get(subject)!,
    ...(subject.lacks === undefined ? {} : { lacks: subject.lacks }),
  }))
  const { name, summary } = benchCase
  const { warmUpMs, measureMs } = run
  return { name, summary, warmUpMs, measureMs, subjects: results, ratios: compareSubjects(benchCase, results) }
}

/** A refusal in one round counts for all rounds. */
const isWorthwhile = ({ lacks }: Subject, outcomes: readonly Outcome[]): boolean =>
  lacks === undefined && !outcomes.some(({ status }) => status === 'refused')
