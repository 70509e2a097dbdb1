/** The moment of a reset: all prepared changes take effect in one turn of the event loop, or none does. */

import type { AnyComponent } from './component.ts'
import type { Adjustment } from './handover.ts'
import { messageOf, type ResetPhase, SystemError } from './system-error.ts'

/** A change that is prepared. */
export type Change = PreparedAdjustment | PreparedSwap

/** Calls functions of a component for an instance. */
export type Run = <T>(work: () => T) => T

export interface PreparedAdjustment {
  readonly name: string
  readonly run?: Run
  readonly adjustment: Adjustment
}

export interface PreparedSwap {
  readonly name: string
  readonly adjustment?: undefined
  /** The component whose instance hands over, and this instance. */
  readonly from: Side
  /** The component that made the successor, and the successor. */
  readonly to: Side
}

/** An instance with the component that made it. */
export interface Side {
  readonly component: AnyComponent
  readonly instance: unknown
  readonly run?: Run
}

export type AnyHandover = NonNullable<AnyComponent['handover']>

/** A step that failed. */
export class StepFailed extends Error {
  readonly step: ResetPhase
  readonly component: string
  override readonly cause: unknown

  constructor(step: ResetPhase, component: string, cause: unknown) {
    super(`the ${step} of ${component} failed: ${messageOf(cause)}`)
    this.step = step
    this.component = component
    this.cause = cause
  }
}

/** Throws StepFailed if the work throws. */
const step = <T>(phase: ResetPhase, name: string, work: () => T): T => {
  try {
    return work()
  } catch (cause) {
    throw new StepFailed(phase, name, cause)
  }
}

/** The same for work that must be done when it returns: an async function would do the rest when it cannot be undone any more. */
const synchronous = (phase: ResetPhase, name: string, work: () => unknown): unknown =>
  step(phase, name, () => {
    const result = work()
    if (!(result instanceof Promise)) return result
    // Its failure, too, is reported as this one.
    result.catch(() => undefined)
    throw new TypeError('it returned a promise, and must be synchronous')
  })

/**
 * Gives the state of an instance, in the form of its successor. Changes nothing: a rehearsal calls it as well.
 * @throws StepFailed
 */
export const stateFor = ({ name, from, to }: PreparedSwap): unknown => {
  const [old, handover] = [handoverOf(from), handoverOf(to)]
  let state: unknown = synchronous('give', name, () => runOf(from)(() => old.give(from.instance)))
  for (let version = old.version; version < handover.version; version += 1) {
    state = step('migrate', name, () => handover.migrate?.[version]?.(state))
  }
  return state
}

/** What must be the same before and after, as one side counts it. @throws StepFailed */
export const censusOf = (name: string, side: Side): Readonly<Record<string, number>> =>
  step('census', name, () => handoverOf(side).census?.(side.instance) ?? {})

/** Without a scope the work is called directly. */
const runOf = ({ run = direct }: { readonly run?: Run }): Run => run

const direct: Run = (work) => work()

const handoverOf = ({ component }: Side): AnyHandover => component.handover!

/** The result of a cut-over. */
export interface CutOver {
  /** How long each change took, in milliseconds, by the name of its component. */
  readonly durations: ReadonlyMap<string, number>
  /** How long all took. */
  readonly ms: number
}

/**
 * Applies the changes in their order. Synchronous. If a step fails, all that was done is undone in reverse.
 * @param instances what runs, by name, in the order of its start: those with `settle` are settled first.
 * @param next what runs afterwards, for `Component.verify`.
 * @throws SystemError RESET_FAILED with the step as its `phase`.
 */
export const cutOver = (
  changes: readonly Change[],
  instances: ReadonlyMap<string, unknown>,
  next: ReadonlyMap<string, Side>,
): CutOver => {
  const since = performance.now()
  const undo: (readonly [name: string, () => void])[] = []
  const durations = new Map<string, number>()
  try {
    if (changes.length > 0) settle(instances)
    const before = new Map(
      changes.map((change) => [change.name, isSwap(change) ? censusOf(change.name, change.from) : {}]),
    )
    for (const change of changes) {
      const begun = performance.now()
      apply(change, undo)
      durations.set(change.name, performance.now() - begun)
    }
    for (const change of changes) if (isSwap(change)) compare(change, before.get(change.name)!)
    for (const [name, { component, instance }] of next) {
      step('verify', name, () => component.verify?.(instance as never))
    }
    return { durations, ms: performance.now() - since }
  } catch (error) {
    throw failed(error, takeBack(undo))
  }
}

const isSwap = (change: Change): change is PreparedSwap => change.adjustment === undefined

/** The last that started comes first: a listener, rather than what its connections use. */
const settle = (instances: ReadonlyMap<string, unknown>): void => {
  for (const [name, instance] of [...instances].toReversed()) {
    const { settle } = instance as { settle?: unknown }
    if (typeof settle === 'function') step('settle', name, () => settle.call(instance))
  }
}

const apply = (change: Change, undo: (readonly [string, () => void])[]): void => {
  const { name } = change
  if (!isSwap(change)) {
    const { adjustment } = change
    const run = runOf(change)
    // Before the call: a commit that throws is taken back as well.
    undo.push([name, () => run(() => adjustment.undo())])
    synchronous('commit', name, () => run(() => adjustment.commit()))
    return
  }
  const state = stateFor(change)
  const { to } = change
  const run = runOf(to)
  const takenBack = synchronous('take', name, () => run(() => handoverOf(to).take(to.instance, state)))
  if (typeof takenBack !== 'function') {
    throw new StepFailed('take', name, new TypeError('it did not return the function that undoes it'))
  }
  undo.push([name, () => run(takenBack as () => void)])
}

const compare = (swap: PreparedSwap, before: Readonly<Record<string, number>>): void => {
  const after = censusOf(swap.name, swap.to)
  const wrong = Object.keys(before).filter((what) => Object.hasOwn(after, what) && after[what] !== before[what])
  if (wrong.length === 0) return
  const counts = wrong.map((what) => `${what}: ${before[what]} before, ${after[what]} after`)
  throw new StepFailed('census', swap.name, new Error(counts.join('; ')))
}

/** @returns the errors. */
const takeBack = (undo: readonly (readonly [string, () => void])[]): readonly SystemError[] =>
  undo.toReversed().flatMap(([name, work]) => {
    try {
      step('undo', name, work)
      return []
    } catch (error) {
      return [stepError(error as StepFailed)]
    }
  })

/** The error of a step for the caller of a reset. */
export const stepError = ({ step, component, cause, message }: StepFailed): SystemError =>
  new SystemError('RESET_FAILED', message, { phase: step, component, cause })

const failed = (error: unknown, undoErrors: readonly SystemError[]): SystemError => {
  const { message, step, component, cause } = error as StepFailed
  return new SystemError('RESET_FAILED', message, { phase: step, component, cause, undoErrors })
}
