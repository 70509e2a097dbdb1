/** The contract of a component: what it provides, needs and takes as config, and how it starts and stops. */

import type { z } from 'zod'
import type { ConfigProblem } from './config-problem.ts'
import type { All, AnyKind, Many, Need, Optional, Resolved } from './kind.ts'
import type { ComponentMeasure, Measure } from './measure.ts'

export type Needs = Readonly<Record<string, Need>>

/** What a component's functions are told by the container besides their config and dependencies. */
export interface LifecycleContext {
  /** The name the component has in the system config: `server` in `{ server: { component: ... } }`. */
  readonly name: string
  /** Aborted when the deadline of this start or stop passes, or when the system is stopped while this part starts. */
  readonly signal: AbortSignal
  /** The numbers of all components that run now, in the order of the config: for a component that publishes them. */
  measures(): readonly ComponentMeasure[]
}

/** A component that a need is wired to, as a check sees it: before anything starts. */
export interface Provider {
  /** Its name in the system config. */
  readonly name: string
  /** The kind that it provides, of which `variant` may say more than the need asked for. */
  readonly provides: AnyKind
}

/** What a check finds for a need: the provider, maybe `undefined`, or a list in the order of the config. */
export type Providers<K> = K extends Many<AnyKind> | All<AnyKind>
  ? readonly Provider[]
  : K extends Optional<AnyKind>
    ? Provider | undefined
    : Provider

/**
 * A part of a system.
 *
 * `stop` is called once for every `start` or `resume` that returned, in reverse order; also for an instance that was
 * suspended and that no successor resumed. A start that rejects must have released what it had acquired.
 *
 * @typeParam I what `start` returns: an instance of the kind, which may have more to offer. `stop`, `suspend`, `resume`, `refresh`
 * and `measure` see all of it; other components see the kind alone. `defineComponent` infers it from `start`, which is written before
 * the five.
 */
export interface Component<P extends AnyKind, N extends Needs, C extends z.ZodType, I extends Resolved<P> = Resolved<P>>
  extends ComponentOf<P, N, C, I, Promise<I> | I> {}

/** A component whose instance is not known to be of its kind: what `defineComponent` takes, in order to check that. */
export interface ComponentOf<P extends AnyKind, N extends Needs, C extends z.ZodType, I, R> {
  /** The kind of the instance that `start` returns. */
  readonly provides: P
  /** What it needs, under the names that its `start` will see. */
  readonly needs: N
  /** The zod schema of its config; defaults and coercions in it apply before `start`. */
  readonly config: C
  /** A few words of config that a person wants to see beside the name in a diagram or status: `127.0.0.1:1883`. */
  describe?(config: z.output<C>): string
  /**
   * Looks for what would keep the part from starting and can be known before anything starts. A reset then reports it before
   * the running system is touched. Called for an enabled entry whose own config and dependencies are right.
   * @param providers what each need is wired to, disabled components passed over.
   * @returns what is wrong, with paths within the entry: `['dependencies', 'pipeline', 1]`. Empty when nothing is.
   */
  check?(config: z.output<C>, providers: { readonly [K in keyof N]: Providers<N[K]> }): readonly ConfigProblem[]
  /** Starts the part. Rejecting fails the start of the whole system, which is then undone. */
  start(config: z.output<C>, dependencies: { readonly [K in keyof N]: Resolved<N[K]> }, context: LifecycleContext): R
  /**
   * The numbers that the instance has for operators. Called once, when the instance has started: a measure reads its number when
   * it is asked. A list that is not right fails the start, with START_FAILED.
   */
  measure?(instance: NoInfer<I>): readonly Measure[]
  /**
   * Reads again the files that its config names, and takes over what changed in them. When it throws, the instance goes on with what it
   * had. Called when an operator asks for it, never during `start` or twice at the same time, within `startDeadlineMs`.
   * @returns a few words of what changed, for the operator: `12 users, 1 added`; undefined when nothing did.
   */
  refresh?(
    instance: NoInfer<I>,
    context: LifecycleContext,
  ): Promise<string | undefined> | Promise<void> | string | undefined | void
  /** Releases everything that `start` acquired. A throw is reported and keeps nothing else from stopping. */
  stop?(instance: NoInfer<I>, context: LifecycleContext): Promise<void> | void
  /**
   * Called by a reset instead of `stop`: ceases work and returns what the successor under the same name needs to go on,
   * as plain data. `stop` must still be able to release the suspended instance. Also called for an instance that was resumed
   * when the rest of its system does not start: what it returns then goes back to the previous config.
   */
  suspend?(instance: NoInfer<I>, context: LifecycleContext): unknown
  /**
   * Called by a reset instead of `start` when the predecessor was suspended. `suspended` comes from another generation
   * of the code: check it (with a zod schema) before use. What it takes over, `stop` of the predecessor is no longer
   * called for. Do not change `suspended`: when this or another component does not start, the next attempt gets it again, and
   * what it refers to may have been closed by `stop` meanwhile.
   */
  resume?(
    config: z.output<C>,
    dependencies: { readonly [K in keyof N]: Resolved<N[K]> },
    suspended: unknown,
    context: LifecycleContext,
  ): Promise<NoInfer<I>> | NoInfer<I>
}

// biome-ignore lint/suspicious/noExplicitAny: stands for every component, whatever its kind, needs, config and instance.
export type AnyComponent = Component<any, any, any, any>

/**
 * What `start` may return: an instance of type I, if that is of the kind's type T. Otherwise T, with a hint where `string` stands
 * for a literal. S keeps I out of the conditional type, which would have the compiler infer one member of I if it is a union.
 */
export type Returned<I, T, S = Promise<I> | I> = [I] extends [T] ? S : Promise<Hinted<I, T>> | Hinted<I, T>

type Hinted<I, T> = [WidenedNames<I, T>] extends [never]
  ? T
  : {
      [K in keyof T]: K extends WidenedNames<I, T>
        ? T[K] | `write '${T[K] & string}' as const, or annotate what start returns: TypeScript reads a string here`
        : T[K]
    }

/** The properties of I that are a `string` where T has literals: `role: 'filter'` in an object that nothing annotates. */
type WidenedNames<I, T> = {
  [K in keyof I & keyof T]: [T[K]] extends [string]
    ? string extends T[K]
      ? never
      : string extends I[K]
        ? K
        : never
    : never
}[keyof I & keyof T]
