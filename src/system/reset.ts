/** A reset of a running system: plans, tries, tries again when a change is refused, and goes back when it fails. */

import type { AnyComponent, AnySystemConfig } from './define-system.ts'
import type { Generation, SuspendedComponents } from './generation.ts'
import { hashFiles } from './hash-files.ts'
import { interrupted } from './lifecycle-errors.ts'
import { type DetailedPlan, type PlanEntry, type PlanOptions, planReset, type RunningEntry } from './plan.ts'
import { ChangeRefused } from './prepared-changes.ts'
import type { CheckedPlan, PlannedPart, ResetOptions, ResetReport } from './reset-plan.ts'
import { keepAllRefusals } from './reset-refusals.ts'
import { messageOf, SystemError } from './system-error.ts'
import { Transaction } from './transaction.ts'

/** The system that a reset changes. */
export interface ResetTarget {
  /** The generation in force. */
  readonly current: Generation
  /** Whether a component that did not run before may fail to start. */
  readonly startsAvailable: boolean
  /** Whether the system is being stopped. */
  readonly stopping: boolean
  /** What is to be interrupted when the system is stopped. */
  transaction: Transaction | undefined
  create(config: AnySystemConfig, configs: Configs): Generation
  /** A generation is in force now. Must not throw. */
  onApplied(next: Generation): void
  /** Components are going to be ended. */
  onTouched(): void
}

export type Configs = Readonly<Record<string, unknown>>
/** The hashes of files by their paths, by component. */
export type Files = ReadonlyMap<string, ReadonlyMap<string, string>>

/** The hashes of the files that a config names. */
export const filesOf = async (config: AnySystemConfig, configs: Configs): Promise<Files> => {
  const files = new Map<string, ReadonlyMap<string, string>>()
  for (const [name, { component, enabled }] of Object.entries(config)) {
    if (enabled !== false) files.set(name, await hashFiles(component, configs[name]))
  }
  return files
}

/** @param next a generation of the new config, which need not have started. */
export const planFrom = (
  old: Generation,
  next: Generation,
  files: Files,
  { keep = 'any', ...options }: PlanOptions & ResetOptions,
): DetailedPlan & CheckedPlan => {
  const running = new Map<string, RunningEntry>()
  for (const [name, instance] of old.running()) {
    const { component } = old.parts.get(name)!
    const entry = entryOf(old, name, old.parts.get(name)!.files)
    running.set(name, { ...entry, connections: connectionsOf(component, instance) })
  }
  const entries = new Map(
    next.order.map((name): [string, PlanEntry] => [name, entryOf(next, name, files.get(name) ?? new Map())]),
  )
  const plan = planReset(running, entries, options)
  return { ...plan, refusals: keep === 'all' ? keepAllRefusals(plan, running, entries) : [] }
}

/** A component that cannot say it has none, as far as the plan knows. */
const connectionsOf = (component: AnyComponent, instance: unknown): Readonly<Record<string, number>> | undefined => {
  try {
    return component.connections?.(instance as never)
  } catch {
    return undefined
  }
}

const entryOf = (generation: Generation, name: string, files: ReadonlyMap<string, string>): PlanEntry => {
  const { component, written, config } = generation.parts.get(name)!
  return { component, written, config, files, wires: generation.graph.wires.get(name)! }
}

/** What an attempt that was given up has ended was restarted in the end. */
const asPlannedFirst = (report: ResetReport, first: DetailedPlan): ResetReport => {
  const restarted = new Map(first.parts.filter(({ verdict }) => verdict === 'restart').map((part) => [part.name, part]))
  const corrected = <P extends PlannedPart>(part: P): P => {
    const planned = part.verdict === 'start' ? restarted.get(part.name) : undefined
    return planned === undefined ? part : { ...part, verdict: planned.verdict, reasons: planned.reasons }
  }
  const counted = new Set(report.plan.connections.map(({ listener }) => listener))
  const connections = [
    ...first.connections.filter(({ listener }) => !counted.has(listener)),
    ...report.plan.connections,
  ]
  const plan = { parts: report.plan.parts.map(corrected), connections }
  return { ...report, plan, parts: report.parts.map(corrected) }
}

/** An attempt that failed. */
class Failure extends Error {
  override readonly cause: unknown
  readonly suspended: SuspendedComponents
  /** Errors of components that were ended. */
  readonly errors: readonly unknown[]

  constructor(cause: unknown, suspended: SuspendedComponents, errors: readonly unknown[]) {
    super(messageOf(cause))
    this.cause = cause
    this.suspended = suspended
    this.errors = errors
  }
}

export class Reset {
  readonly #target: ResetTarget
  readonly #options: ResetOptions
  /** Whether components were ended, or the new config was in force. */
  #touched = false
  /** The components that ran before. */
  #ran: ReadonlySet<string> | undefined

  constructor(target: ResetTarget, options: ResetOptions) {
    this.#target = target
    this.#options = options
  }

  /**
   * Takes a config without problems.
   * @throws SystemError as `System.apply`.
   */
  async apply(config: AnySystemConfig, configs: Configs): Promise<ResetReport> {
    const before = this.#target.current
    const files = await filesOf(config, configs)
    try {
      return await this.#change(config, configs, files, before.left, this.#options)
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      throw await this.#goBack(before, error)
    }
  }

  /**
   * Starts what does not run, by the config in force.
   * @throws SystemError as `System.retry`.
   */
  async retry(): Promise<ResetReport> {
    const before = this.#target.current
    const { configs, files } = inForce(before)
    try {
      return await this.#change(before.config, configs, files, before.left, this.#options)
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      throw await this.#goBack(before, error)
    }
  }

  /** @throws Failure */
  async #change(
    config: AnySystemConfig,
    configs: Configs,
    files: Files,
    suspended: SuspendedComponents,
    options: ResetOptions,
  ): Promise<ResetReport> {
    const target = this.#target
    /** Why a component could not be adjusted or swapped. */
    const causes = new Map<string, SystemError>()
    /** The components whose adjustment was refused, and those whose swap was. */
    const [refused, broken] = [new Set<string>(), new Set<string>()]
    /** What ran before has to run again. */
    this.#ran ??= new Set(target.current.running().keys())
    const errors: unknown[] = []
    let left = suspended
    let first: DetailedPlan | undefined
    for (;;) {
      const old = target.current
      if (target.stopping) throw new Failure(interrupted(old, []), left, errors)
      const next = target.create(config, configs)
      const plan = planFrom(old, next, files, { ...options, refused, broken })
      first ??= plan
      if (plan.refusals.length > 0) throw new Failure(refusedError(plan, [...causes.values()]), left, errors)
      const onApplied = (): void => {
        this.#touched = true
        target.onApplied(next)
      }
      const onTouched = (): void => {
        this.#touched = true
        target.onTouched()
      }
      const mayFail = target.startsAvailable ? spareOf(next, this.#ran) : new Set<string>()
      const transaction = new Transaction({ old, next, plan, files, suspended: left, mayFail, onApplied, onTouched })
      target.transaction = transaction
      try {
        const report = await transaction.run()
        return { ...asPlannedFirst(report, first), errors: [...errors, ...report.errors] }
      } catch (error) {
        left = transaction.suspended
        errors.push(...transaction.errors)
        if (!(error instanceof ChangeRefused)) throw new Failure(error, left, errors)
        causes.set(error.component, error.error)
        const kind = error.step === 'adjust' ? refused : broken
        kind.add(error.component)
      } finally {
        target.transaction = undefined
      }
    }
  }

  /** Brings the config from before back into force. @returns the error for the caller. */
  async #goBack(before: Generation, { cause, suspended, errors }: Failure): Promise<unknown> {
    const target = this.#target
    if (target.stopping) {
      // The system ends: nothing runs again. `stop` ends what still runs, and releases what a failure has left suspended.
      const isInterrupted = codeOf(cause) === 'START_INTERRUPTED'
      const ended = isInterrupted ? [] : await target.current.collapse(suspended)
      return withErrors(cause, [...errors, ...ended])
    }
    if (!this.#touched) return codeOf(cause) === 'RESET_REFUSED' ? cause : resetError('RESET_FAILED', cause, errors)
    const { configs, files } = inForce(before)
    try {
      const report = await this.#change(before.config, configs, files, suspended, {})
      return resetError('RESET_FAILED', cause, [...errors, ...report.errors])
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      const ended = await target.current.collapse(error.suspended)
      return resetError('UNDO_FAILED', cause, [...errors, error.cause, ...error.errors, ...ended])
    }
  }
}

/** The config of a generation as it was started with. */
const inForce = ({ parts }: Generation): { readonly configs: Configs; readonly files: Files } => ({
  configs: Object.fromEntries([...parts].map(([name, { config }]) => [name, config])),
  files: new Map([...parts].map(([name, { files }]) => [name, files])),
})

/** Components that did not run, and that nothing that ran needs. */
const spareOf = ({ order, graph }: Generation, ran: ReadonlySet<string>): ReadonlySet<string> => {
  const needed = new Set<string>()
  for (const name of order.toReversed()) {
    if (!ran.has(name) && !needed.has(name)) continue
    for (const dependency of graph.dependenciesOf(name)) needed.add(dependency)
  }
  return new Set(order.filter((name) => !ran.has(name) && !needed.has(name)))
}

const codeOf = (error: unknown): unknown => (error instanceof SystemError ? error.code : undefined)

/** The error with further ones that followed from it. */
const withErrors = (error: unknown, errors: readonly unknown[]): unknown => {
  if (!(error instanceof SystemError) || errors.length === 0) return error
  const { code, message, component, phase, system, cause, undoErrors } = error
  const details = { component, phase, system, cause, undoErrors }
  return new SystemError(code, message, { ...details, errors: [...error.errors, ...errors] })
}

/** The error of a reset whose plan is refused. @param causes why components could not be adjusted or swapped. */
const refusedError = ({ refusals }: CheckedPlan, causes: readonly SystemError[]): SystemError =>
  new SystemError('RESET_REFUSED', [...refusals, ...causes.map(messageOf)].join('; '), { errors: causes })

/** The error of a reset that was undone, or could not be. */
const resetError = (
  code: 'RESET_FAILED' | 'UNDO_FAILED',
  failure: unknown,
  errors: readonly unknown[],
): SystemError => {
  const error = failure as Partial<SystemError>
  const isStart = error.code !== 'RESET_FAILED' && error.code !== 'RESET_REFUSED'
  const message = `${isStart ? 'the new system did not start' : 'the reset was not applied'}: ${messageOf(failure)}`
  return new SystemError(code, message, {
    component: error.component,
    phase: error.phase,
    system: error.system,
    // The error of a step is said in full by this one.
    cause: isStart ? failure : error.cause,
    errors: [...errors, ...(error.errors ?? [])],
    undoErrors: error.undoErrors,
  })
}
