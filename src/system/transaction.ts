/** One attempt to replace a generation by another: everything that may fail or wait is done before, the change itself in one turn. */

import {
  type AnyHandover,
  type Change,
  type CutOver,
  censusOf,
  cutOver,
  type PreparedSwap,
  type Run,
  type Side,
  StepFailed,
  stateFor,
  stepError,
} from './cut-over.ts'
import { callWithin, type DeadlineCall, DeadlinePassed } from './deadline.ts'
import type { Generation, SuspendedComponents } from './generation.ts'
import type { Adjustment } from './handover.ts'
import { interrupted } from './lifecycle-errors.ts'
import type { Part } from './part.ts'
import type { DetailedPlan } from './plan.ts'
import type { AppliedPart, ResetReport } from './reset-plan.ts'
import { type ResetPhase, SystemError } from './system-error.ts'

export interface TransactionOptions {
  readonly old: Generation
  readonly next: Generation
  readonly plan: DetailedPlan
  /** The hashes of the files that the new config names, by component. */
  readonly files: ReadonlyMap<string, ReadonlyMap<string, string>>
  /** Components that were suspended before, by an attempt that failed. */
  readonly suspended: SuspendedComponents
  /** Components whose failure to start does not fail the reset: see `Generation.launch`. */
  readonly mayFail: ReadonlySet<string>
  /** Called in the cut-over, when all changes have been applied: the next generation is in force. Must not throw. */
  readonly onApplied: () => void
  /** Called when components are going to be ended. */
  readonly onTouched: () => void
}

/** An `adjust` that threw, so that the change needs a swap or a restart, or a `rehearse`, so that it needs a restart. */
export class ChangeRefused extends Error {
  readonly step: 'adjust' | 'rehearse'
  readonly component: string
  readonly error: SystemError

  constructor(step: 'adjust' | 'rehearse', component: string, cause: unknown) {
    const failed = new StepFailed(step, component, cause)
    super(failed.message)
    this.step = step
    this.component = component
    this.error = stepError(failed)
  }
}

export class Transaction {
  readonly #options: TransactionOptions
  readonly #changes = new Map<string, Change>()
  readonly #errors: unknown[] = []
  readonly #calls = new Set<DeadlineCall<unknown>>()
  #interrupted = false
  #applied = false
  /** The components that are suspended now, for the next attempt. */
  #suspended: SuspendedComponents
  /** Whether the next generation has begun to start components. */
  #begun = false

  constructor(options: TransactionOptions) {
    this.#options = options
    this.#suspended = options.suspended
  }

  /** Whether the new config is in force, although a later step may have failed. */
  get applied(): boolean {
    return this.#applied
  }

  get suspended(): SuspendedComponents {
    return this.#suspended
  }

  /** Errors of components that were ended. */
  get errors(): readonly unknown[] {
    return this.#errors
  }

  /** Gives up what can be given up. A cut-over is not interrupted, since it is synchronous. */
  interrupt(): void {
    this.#interrupted = true
    const reason = new DOMException('the reset was given up: the system is being stopped', 'AbortError')
    for (const call of this.#calls) call.abort(reason)
    if (this.#begun) this.#options.next.giveUp('interruption', 'the system is being stopped')
  }

  /**
   * @throws ChangeRefused; SystemError of the step that failed. If nothing was applied, what was prepared has been discarded and what
   * was started has been ended. Components that were suspended still are: see `suspended`.
   */
  async run(): Promise<ResetReport> {
    const { next, plan, mayFail } = this.#options
    const since = performance.now()
    try {
      await this.#create()
      const { durations, ms } = await this.#cutOver()
      const preparedMs = performance.now() - since - ms
      const late = named(plan, 'start', 'restart').filter((name) => plan.late.has(name))
      await this.#retire()
      await next.launch(new Set(late), mayFail)
      next.complete(this.#runningSince())
      return {
        plan: { parts: plan.parts, connections: plan.connections },
        parts: plan.parts.map((part): AppliedPart => ({ ...part, ms: this.#msOf(part, durations) })),
        prepareMs: preparedMs,
        cutOverMs: ms,
        finishMs: performance.now() - since - preparedMs - ms,
        errors: [...this.#errors, ...next.startErrors],
      }
    } catch (error) {
      if (!this.#applied) await this.#discard()
      if (this.#begun) await this.#abandon()
      throw this.#located(error instanceof StepFailed ? stepError(error) : error)
    }
  }

  async #create(): Promise<void> {
    const { old, next, plan, files, mayFail, onTouched } = this.#options
    for (const name of named(plan, 'keep', 'adjust')) {
      const part = next.parts.get(name)!
      part.adopt(old.instanceOf(name), old.parts.get(name)!, files.get(name) ?? none)
      next.adopt(part, old.instanceOf(name))
    }
    const early = new Set(named(plan, 'start', 'restart').filter((name) => !plan.late.has(name)))
    const independent = this.#independentOf(early)
    await this.#prepare(independent)
    if (early.size + plan.late.size + plan.endFirst.size + this.#suspended.size > 0) {
      onTouched()
      const { components, errors } = await old.suspendOnly(plan.endFirst)
      this.#suspended = merge(this.#suspended, components)
      this.#errors.push(...errors)
      this.#checkInterrupted()
      this.#begun = true
      await next.begin(this.#suspended)
      await next.launch(early, mayFail)
    }
    await this.#prepare(named(plan, 'adjust', 'swap').filter((name) => !independent.includes(name)))
  }

  /**
   * The changes that can be prepared before anything is ended or started, so that the reset can still be given up without a trace:
   * those that need none of the components that start.
   */
  #independentOf(early: ReadonlySet<string>): readonly string[] {
    const { next, plan } = this.#options
    // A component that only ends may hold what one of them needs.
    if (plan.parts.some(({ name, verdict }) => verdict === 'stop' && plan.endFirst.has(name))) return []
    const missing = new Set([...early, ...named(plan, 'swap')])
    const independent: string[] = []
    for (const name of named(plan, 'adjust', 'swap')) {
      if (next.graph.dependenciesOf(name).some((each) => missing.has(each))) continue
      independent.push(name)
      missing.delete(name)
    }
    return independent
  }

  /** Prepares adjustments and successors in start order, and rehearses the hand-overs. */
  async #prepare(names: readonly string[]): Promise<void> {
    const { plan } = this.#options
    const verdicts = new Map(plan.parts.map(({ name, verdict }) => [name, verdict]))
    for (const name of names) {
      if (verdicts.get(name) === 'adjust') await this.#adjust(name)
      else await this.#prepareSwap(name)
    }
    for (const name of names) {
      const change = this.#changes.get(name)!
      if (change.adjustment !== undefined) continue
      // One to a turn: clients are served between.
      await new Promise((resolve) => setImmediate(resolve))
      this.#checkInterrupted()
      await this.#rehearse(change)
    }
  }

  async #adjust(name: string): Promise<void> {
    const { old, next } = this.#options
    const part = next.parts.get(name)!
    const { component, config } = part
    const instance = old.instanceOf(name)
    const discardLate = (adjustment: unknown) => part.run(() => (adjustment as { discard?: () => unknown }).discard?.())
    const adjustment = await this.#call(part, 'adjust', discardLate, (signal) =>
      part.run(() => component.adjust!(instance, config, next.dependenciesOf(name) as never, part.context(signal))),
    ).catch((error: unknown) => {
      throw this.#refusal('adjust', name, error)
    })
    if (!isAdjustment(adjustment)) {
      throw new StepFailed('adjust', name, new TypeError('it did not return an object with commit and undo'))
    }
    this.#changes.set(name, { name, adjustment, run: runIn(part) })
  }

  async #prepareSwap(name: string): Promise<void> {
    const { old, next, files } = this.#options
    const part = next.parts.get(name)!
    const { component, config } = part
    const handover = component.handover!
    const discardLate = (instance: unknown) => discard(part, instance)
    const instance = await this.#call(part, 'prepare', discardLate, (signal) =>
      part.run(() => handover.prepare(config as never, next.dependenciesOf(name) as never, part.context(signal))),
    ).catch((error: unknown) => {
      if (error instanceof StepFailed) part.ended()
      throw error
    })
    const before = old.parts.get(name)!
    const from = { component: before.component, instance: old.instanceOf(name), run: runIn(before) }
    this.#changes.set(name, { name, from, to: { component, instance, run: runIn(part) } })
    if (instance === undefined || instance === null)
      throw new StepFailed('prepare', name, new TypeError('it returned nothing'))
    const wrong = part.adopt(instance, undefined, files.get(name) ?? none)
    if (wrong !== undefined) throw new StepFailed('prepare', name, new TypeError(wrong))
    next.adopt(part, instance)
  }

  async #rehearse(swap: PreparedSwap): Promise<void> {
    const { name, from, to } = swap
    const state = stateFor(swap)
    censusOf(name, from)
    const { rehearse } = to.component.handover!
    if (rehearse === undefined) return
    const part = this.#options.next.parts.get(name)!
    const work = () => part.run(() => rehearse(to.instance as never, state))
    // It was discarded when the reset failed, without what has been prepared since.
    const discardLate = () => discard(part, to.instance)
    await this.#call(part, 'rehearse', discardLate, work).catch((error: unknown) => {
      throw this.#refusal('rehearse', name, error)
    })
  }

  /** What the failure of a step means that may refuse a change. */
  #refusal(step: 'adjust' | 'rehearse', name: string, error: unknown): unknown {
    return error instanceof StepFailed && !this.#interrupted ? new ChangeRefused(step, name, error.cause) : error
  }

  /**
   * Calls a function of a component within the deadline of its start.
   * @param discard for a result that comes after the deadline.
   * @throws StepFailed; SystemError when the deadline passed, or the reset was interrupted.
   */
  async #call<T>(
    part: Part,
    phase: ResetPhase,
    discard: (late: T) => unknown,
    work: (signal: AbortSignal) => T | Promise<T>,
  ): Promise<T> {
    this.#checkInterrupted()
    const { name, startDeadlineMs } = part
    const call = callWithin<T>(startDeadlineMs, work)
    this.#calls.add(call as DeadlineCall<unknown>)
    try {
      return await call.outcome
    } catch (cause) {
      // Its failure, too, was reported as that of the deadline.
      if (cause instanceof DeadlinePassed) call.work.then(discard).catch(() => undefined)
      if (this.#interrupted) throw interrupted(this.#options.next, [])
      if (!(cause instanceof DeadlinePassed)) throw new StepFailed(phase, name, cause)
      const message = `the ${phase} of ${name} did not finish within ${startDeadlineMs} ms; if it needs longer, set ${name}.startDeadlineMs`
      throw new SystemError('RESET_FAILED', message, { phase, component: name })
    } finally {
      this.#calls.delete(call as DeadlineCall<unknown>)
    }
  }

  #checkInterrupted(): void {
    if (this.#interrupted) throw interrupted(this.#options.next, [])
  }

  /** In a macrotask of its own: nothing else is on the stack. */
  #cutOver(): Promise<CutOver> {
    return new Promise((resolve, reject) => {
      setImmediate(() => {
        try {
          this.#checkInterrupted()
          resolve(this.#apply())
        } catch (error) {
          reject(error)
        }
      })
    })
  }

  #apply(): CutOver {
    const { old, next, plan, onApplied } = this.#options
    const changes = next.order.flatMap((name) => this.#changes.get(name) ?? [])
    const lasting = named(plan, 'keep', 'adjust', 'swap')
    const sideOf = (name: string): Side => ({
      component: next.parts.get(name)!.component,
      instance: next.instanceOf(name),
    })
    const result = cutOver(changes, old.running(), new Map(lasting.map((name) => [name, sideOf(name)])))
    this.#applied = true
    for (const name of named(plan, 'swap')) old.parts.get(name)!.succeededBy(next.parts.get(name)!.owner)
    for (const name of lasting) old.forget(name)
    next.adoptAll()
    onApplied()
    return result
  }

  /** Releases what is not needed any more. Errors are reported, and nothing is undone. */
  async #retire(): Promise<void> {
    const { old, next, plan } = this.#options
    for (const name of named(plan, 'adjust', 'swap')) {
      const part = next.parts.get(name)!
      const wrong = part.measureAgain(next.instanceOf(name))
      if (wrong !== undefined) this.#errors.push(wrong)
      part.announce()
    }
    await Promise.all(
      [...this.#changes.values()].map((change) => {
        const part = old.parts.get(change.name)!
        if (change.adjustment !== undefined)
          return this.#end(part, 'done', () => part.run(() => change.adjustment.done?.()))
        return this.#end(part, 'retire', () =>
          endOf(part, (handover) => handover.retire(change.from.instance as never)),
        )
      }),
    )
    this.#errors.push(...(await old.stopRunning()))
  }

  /** Discards what was prepared, the last first. */
  async #discard(): Promise<void> {
    const { next } = this.#options
    for (const change of [...this.#changes.values()].toReversed()) {
      const part = next.parts.get(change.name)!
      await this.#end(part, 'discard', () => {
        if (change.adjustment !== undefined) return part.run(() => change.adjustment.discard?.())
        return discard(part, change.to.instance)
      })
    }
  }

  async #end({ name, stopDeadlineMs }: Part, phase: ResetPhase, work: () => unknown): Promise<void> {
    try {
      await callWithin<unknown>(stopDeadlineMs, work).outcome
    } catch (cause) {
      this.#errors.push(stepError(new StepFailed(phase, name, cause)))
    }
  }

  /** The error of a step with the config that it is about: a text for people names the value in it that is wrong. */
  #located(error: unknown): unknown {
    if (!(error instanceof SystemError) || error.code !== 'RESET_FAILED' || error.system !== undefined) return error
    const { code, message, component, phase, cause, errors, undoErrors } = error
    const details = { component, phase, cause, errors, undoErrors }
    return new SystemError(code, message, { ...details, system: this.#options.next })
  }

  /** Ends what the next generation has started, unless it has done so itself. */
  async #abandon(): Promise<void> {
    const { next } = this.#options
    if (next.state === 'starting')
      this.#errors.push(...(await next.abandon(this.#interrupted ? 'interruption' : 'failure')))
    this.#suspended = next.state === 'failed' ? (await next.suspend()).components : new Map()
  }

  /** Since all components run. Unchanged when none was down. */
  #runningSince(): number | undefined {
    const { old, plan } = this.#options
    return this.#begun && named(plan, 'restart').length > 0 ? Date.now() : (old.runningSinceMs ?? Date.now())
  }

  #msOf(
    { name, verdict }: AppliedPart | DetailedPlan['parts'][number],
    durations: ReadonlyMap<string, number>,
  ): number | undefined {
    const begins = verdict === 'start' || verdict === 'restart'
    return begins ? this.#options.next.parts.get(name)?.status.startMs : durations.get(name)
  }
}

const runIn =
  (part: Part): Run =>
  (work) =>
    part.run(work)

/** Releases an instance of `prepare` that is not put to use. */
const discard = async (part: Part, instance: unknown): Promise<void> => {
  if (instance === undefined || instance === null) return part.ended()
  await endOf(part, (handover) => (handover.discard ?? handover.retire)(instance as never))
}

const endOf = async (part: Part, release: (handover: AnyHandover) => unknown): Promise<void> => {
  try {
    await part.run(() => release(part.component.handover!))
  } finally {
    part.ended()
  }
}

const isAdjustment = (value: Partial<Adjustment> | null | undefined): boolean =>
  typeof value?.commit === 'function' && typeof value.undo === 'function'

const none: ReadonlyMap<string, string> = new Map()

const named = ({ parts }: DetailedPlan, ...verdicts: readonly string[]): readonly string[] =>
  parts.filter(({ verdict }) => verdicts.includes(verdict)).map(({ name }) => name)

/** In the order in which they were suspended: the order in which they are released. */
const merge = (before: SuspendedComponents, now: SuspendedComponents): SuspendedComponents =>
  new Map([...now, ...[...before].filter(([name]) => !now.has(name))])
