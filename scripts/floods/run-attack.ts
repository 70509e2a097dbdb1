import type { Broker } from '../../bench/brokers/broker.ts'
import { Child } from '../../bench/brokers/child.ts'
import { readProcessUsage } from '../../bench/process-usage.ts'
import { askProcess } from './ask-process.ts'
import type { Attack, Outcome } from './attack.ts'
import type { AttackJob, AttackReport, WitnessFigures, WitnessReport, WitnessRequest } from './messages.ts'

/** How long the preparation of an attack may take, in milliseconds. */
const PREPARE_DEADLINE_MS = 300_000
/** How long the processes may take beyond the time of the attack, in milliseconds. */
const END_DEADLINE_MS = 150_000
/** For an attack with `spread`: attackers in a process, and the maximum of processes. */
const ATTACKERS_PER_PROCESS = 25
const MAXIMUM_PROCESSES = 4
const MEMORY_INTERVAL_MS = 50

export interface AttackOptions {
  readonly broker: Broker
  readonly attack: Attack
  /** The compiled programs. */
  readonly programs: { readonly attacker: string; readonly witness: string }
  readonly attackers: number
  readonly seconds: number
  readonly scale: number
}

export type AttackResult =
  | {
      readonly status: 'measured'
      readonly preparing: WitnessFigures
      readonly attacked: WitnessFigures
      /** Of the broker, in bytes; undefined where there is no /proc. */
      readonly memoryBefore: number | undefined
      readonly memoryPeak: number | undefined
      readonly outcome: Outcome
    }
  | { readonly status: 'error'; readonly reason: string }

/**
 * Starts a broker and attacks it while a well-behaved client measures. Stops all processes. Errors of these processes are
 * returned, not thrown.
 */
export const runAttack = async (options: AttackOptions): Promise<AttackResult> => {
  const { broker, attack } = options
  let running: Awaited<ReturnType<Broker['start']>>
  try {
    running = await broker.start({ settings: attack.settings ?? [] })
  } catch (error) {
    return { status: 'error', reason: (error as Error).message }
  }
  const children: Child[] = []
  const started = (name: string, program: string): Child => {
    const child = new Child(name, process.execPath, [program], { ipc: true })
    children.push(child)
    return child
  }
  const memory = watchMemory(running.pid)
  try {
    const witness = started('the well-behaved client', options.programs.witness)
    const attackers = shares(options).map((count) => ({
      count,
      child: started('an attacker', options.programs.attacker),
    }))
    const preparing = await watched(witness, running.port, () =>
      all(attackers, ({ child, count }) => ask(child, jobOf(options, running.port, count), PREPARE_DEADLINE_MS)),
    )
    const memoryBefore = memory.peak()
    const outcomes: Outcome[] = []
    const attacked = await watched(witness, running.port, async () => {
      const reports = await all(attackers, ({ child }) => ask(child, {}, options.seconds * 1000 + END_DEADLINE_MS))
      for (const report of reports) if (report.type === 'finished') outcomes.push(report.outcome)
    })
    const memoryPeak = memory.peak()
    const crash = running.crash()
    if (crash !== undefined) throw new Error(`${broker.name} ${crash}`)
    return { status: 'measured', preparing, attacked, memoryBefore, memoryPeak, outcome: sum(outcomes) }
  } catch (error) {
    const crash = running.crash()
    return { status: 'error', reason: crash === undefined ? (error as Error).message : `${broker.name} ${crash}` }
  } finally {
    memory.end()
    await Promise.all(children.map((child) => child.stop()))
    await running.stop()
  }
}

const sum = (outcomes: readonly Outcome[]): Outcome => {
  const total: Record<string, number> = {}
  for (const outcome of outcomes) {
    for (const [what, count] of Object.entries(outcome)) total[what] = (total[what] ?? 0) + count
  }
  return total
}

/** How many attackers each process plays. */
const shares = ({ attack, attackers }: AttackOptions): number[] => {
  const processes = attack.spread ? Math.min(MAXIMUM_PROCESSES, Math.ceil(attackers / ATTACKERS_PER_PROCESS)) : 1
  return Array.from({ length: processes }, (_, index) => Math.ceil((attackers - index) / processes))
}

const jobOf = ({ attack, seconds, scale }: AttackOptions, port: number, attackers: number): AttackJob => ({
  ...{ attack: attack.name, port, attackers, seconds, scale },
})

const all = <T, R>(list: readonly T[], act: (item: T) => Promise<R>): Promise<R[]> => Promise.all(list.map(act))

/** Lets the well-behaved client measure during an action. */
const watched = async (witness: Child, port: number, during: () => Promise<unknown>): Promise<WitnessFigures> => {
  await ask(witness, { type: 'begin', port } satisfies WitnessRequest, END_DEADLINE_MS)
  await during()
  const report = await ask(witness, { type: 'end' } satisfies WitnessRequest, END_DEADLINE_MS)
  if (report.type !== 'ended') throw new Error('The well-behaved client gave no figures.')
  return report
}

const ask = (child: Child, message: object, deadlineMs: number): Promise<AttackReport | WitnessReport> =>
  askProcess(child, message, deadlineMs)

/** Samples the memory of a process. */
const watchMemory = (pid: number) => {
  let peak: number | undefined
  const look = () => {
    const bytes = readProcessUsage(pid)?.rssBytes
    if (bytes !== undefined && !Number.isNaN(bytes)) peak = Math.max(peak ?? 0, bytes)
  }
  const timer = setInterval(look, MEMORY_INTERVAL_MS)
  return {
    peak: () => {
      look()
      return peak
    },
    end: () => clearInterval(timer),
  }
}
