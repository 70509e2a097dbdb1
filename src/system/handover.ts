/** How a component goes on over a reset without stopping: by an adjustment, or by a hand-over of its state to a successor. */

import type { z } from 'zod'
import type { Resolved } from './kind.ts'
import type { LifecycleContext, Needs } from './lifecycle-context.ts'

/** A prepared change of a running instance: other config, other contents of its files, or other neighbours; the same code. */
export interface Adjustment {
  /** Applies it, in the turn of the event loop in which the whole reset is applied. If it throws, the reset is undone. */
  commit(): void
  /** Takes `commit` back, in the same turn. Called only after `commit`, also after one that threw. */
  undo(): void
  /** The reset has been applied: releases what the instance does not need any more. A failure is reported, and nothing is undone. Optional. */
  done?(): Promise<void> | void
  /** The reset was given up before `commit`: releases what was prepared. Optional. */
  discard?(): Promise<void> | void
}

/** The arguments of the functions that make an instance: the types of `start`. */
type Dependencies<N extends Needs> = { readonly [K in keyof N]: Resolved<N[K]> }

/**
 * How the state of an instance goes over to an instance of other code. Each side knows its own classes: `give` and `retire` are called on
 * the component object that made the old instance, `census` on both, everything else on the one that makes the new instance. A successor
 * may be of another component if both have the same `format`.
 * @typeParam I the instance. @typeParam S its state, as `give` returns it.
 */
export interface Handover<N extends Needs, C extends z.ZodType, I, S = unknown> {
  /** Names the form of the state: two components of one kind that share it may follow each other. */
  readonly format: string
  /** Of the state, and of the states of single connections. Counted up when they change. */
  readonly version: number
  /** Makes a successor: passive, without timers, and registered nowhere. What may fail or take time belongs here. */
  prepare(config: z.output<C>, dependencies: Dependencies<N>, context: LifecycleContext): Promise<I> | I
  /** The state of an instance. Changes nothing. Called for `rehearse`, and in the turn in which the reset is applied. */
  give(instance: I): S
  /**
   * Checks whether the successor can continue from the state, and prepares what depends on it, such as another address. Called once before
   * the reset is applied, with a state that is thrown away; `take` gets another one. May take time. Optional.
   * @throws the reason why this change needs a restart; the reset then plans that.
   */
  rehearse?(instance: I, state: S): Promise<void> | void
  /**
   * The successor continues from the state, and begins to act. Checks the state before use.
   * @returns undoes all effects outside of the new instance, those on shared structures included.
   */
  take(instance: I, state: S): () => void
  /** The reset has been applied, and what this instance gave is no longer its own: ends its timers. */
  retire(instance: I): Promise<void> | void
  /**
   * Releases an instance of `prepare` whose reset was given up. Called once more if `rehearse` ends after its deadline, for what it has
   * prepared by then. Default: `retire`.
   */
  discard?(instance: I): Promise<void> | void
  /** Makes the state of this version from that of an older one, one step each. By the version that it comes from. */
  readonly migrate?: Readonly<Record<number, (older: unknown) => unknown>>
  /** What must be the same before and after: connections, sessions, subscriptions. */
  census?(instance: I): Readonly<Record<string, number>>
}
