/** One attempt to replace a generation by another: everything that may fail or wait is done before, the change itself in one turn. */

import { type CutOver, cutOver, type Side, StepFailed, stepError } from './cut-over.ts'
import { callWithin } from './deadline.ts'
import type { SuspendedComponents } from './generation.ts'
import type { Part } from './part.ts'
import type { DetailedPlan } from './plan.ts'
import { discard, endOf, type PreparationOptions, PreparedChanges } from './prepared-changes.ts'
import type { AppliedPart, ResetReport } from './reset-plan.ts'
import { type ResetPhase, SystemError } from './system-error.ts'

export interface TransactionOptions extends PreparationOptions {
  /** Components that were suspended before, by an attempt that failed. */
  readonly suspended: SuspendedComponents
  /** Components whose failure to start does not fail the reset: see `Generation.launch`. */
  readonly mayFail: ReadonlySet<string>
  /** Called in the cut-over, when all changes have been applied: the next generation is in force. Must not throw. */
  readonly onApplied: () => void
  /** Called when components are going to be ended. */
  readonly onTouched: () => void
}

export class Transaction {
  readonly #options: TransactionOptions
  readonly #prepared: PreparedChanges
  readonly #errors: unknown[] = []
  #applied = false
  /** The components that are suspended now, for the next attempt. */
  #suspended: SuspendedComponents
  /** Whether the next generation has begun to start components. */
  #begun = false

  constructor(options: TransactionOptions) {
    this.#options = options
    this.#prepared = new PreparedChanges(options)
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
    this.#prepared.interrupt()
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
    await this.#prepared.prepare(independent)
    if (early.size + plan.late.size + plan.endFirst.size + this.#suspended.size > 0) {
      onTouched()
      const { components, errors } = await old.suspendOnly(plan.endFirst)
      this.#suspended = merge(this.#suspended, components)
      this.#errors.push(...errors)
      this.#prepared.checkInterrupted()
      this.#begun = true
      await next.begin(this.#suspended)
      await next.launch(early, mayFail)
    }
    await this.#prepared.prepare(named(plan, 'adjust', 'swap').filter((name) => !independent.includes(name)))
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

  /** In a macrotask of its own: nothing else is on the stack. */
  #cutOver(): Promise<CutOver> {
    return new Promise((resolve, reject) => {
      setImmediate(() => {
        try {
          this.#prepared.checkInterrupted()
          resolve(this.#apply())
        } catch (error) {
          reject(error)
        }
      })
    })
  }

  #apply(): CutOver {
    const { old, next, plan, onApplied } = this.#options
    const changes = next.order.flatMap((name) => this.#prepared.of(name) ?? [])
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
      this.#prepared.all().map((change) => {
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
    for (const change of this.#prepared.all().toReversed()) {
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
      this.#errors.push(...(await next.abandon(this.#prepared.isInterrupted ? 'interruption' : 'failure')))
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

const none: ReadonlyMap<string, string> = new Map()

const named = ({ parts }: DetailedPlan, ...verdicts: readonly string[]): readonly string[] =>
  parts.filter(({ verdict }) => verdicts.includes(verdict)).map(({ name }) => name)

/** In the order in which they were suspended: the order in which they are released. */
const merge = (before: SuspendedComponents, now: SuspendedComponents): SuspendedComponents =>
  new Map([...now, ...[...before].filter(([name]) => !now.has(name))])
