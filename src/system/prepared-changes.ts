/** The changes of one reset, prepared beside the old generation: nothing of it has been touched yet. */

import {
  type AnyHandover,
  type Change,
  censusOf,
  type PreparedSwap,
  type Run,
  StepFailed,
  stateFor,
  stepError,
} from './cut-over.ts'
import { callWithin, type DeadlineCall, DeadlinePassed } from './deadline.ts'
import type { Generation } from './generation.ts'
import type { Adjustment } from './handover.ts'
import { interrupted } from './lifecycle-errors.ts'
import type { Part } from './part.ts'
import type { DetailedPlan } from './plan.ts'
import { type ResetPhase, SystemError } from './system-error.ts'

/** What the changes are prepared from. */
export interface PreparationOptions {
  readonly old: Generation
  readonly next: Generation
  readonly plan: DetailedPlan
  /** The hashes of the files that the new config names, by component. */
  readonly files: ReadonlyMap<string, ReadonlyMap<string, string>>
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

export class PreparedChanges {
  readonly #options: PreparationOptions
  readonly #changes = new Map<string, Change>()
  readonly #calls = new Set<DeadlineCall<unknown>>()
  #interrupted = false

  constructor(options: PreparationOptions) {
    this.#options = options
  }

  get isInterrupted(): boolean {
    return this.#interrupted
  }

  of(name: string): Change | undefined {
    return this.#changes.get(name)
  }

  /** In the order in which they were prepared. */
  all(): readonly Change[] {
    return [...this.#changes.values()]
  }

  /** Gives up the calls that are under way, and prepares no more. */
  interrupt(): void {
    this.#interrupted = true
    const reason = new DOMException('the reset was given up: the system is being stopped', 'AbortError')
    for (const call of this.#calls) call.abort(reason)
  }

  /** @throws SystemError when the reset was interrupted. */
  checkInterrupted(): void {
    if (this.#interrupted) throw interrupted(this.#options.next, [])
  }

  /** Prepares adjustments and successors in start order, and rehearses the hand-overs. */
  async prepare(names: readonly string[]): Promise<void> {
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
      this.checkInterrupted()
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
    this.checkInterrupted()
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
}

const runIn =
  (part: Part): Run =>
  (work) =>
    part.run(work)

/** Releases an instance of `prepare` that is not put to use. */
export const discard = async (part: Part, instance: unknown): Promise<void> => {
  if (instance === undefined || instance === null) return part.ended()
  await endOf(part, (handover) => (handover.discard ?? handover.retire)(instance as never))
}

export const endOf = async (part: Part, release: (handover: AnyHandover) => unknown): Promise<void> => {
  try {
    await part.run(() => release(part.component.handover!))
  } finally {
    part.ended()
  }
}

const isAdjustment = (value: Partial<Adjustment> | null | undefined): boolean =>
  typeof value?.commit === 'function' && typeof value.undo === 'function'

const none: ReadonlyMap<string, string> = new Map()
