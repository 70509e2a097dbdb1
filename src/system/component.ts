/** The contract of a component: its kind, its needs, its config, its start and its stop. */

import type { z } from 'zod'
import type { ConfigProblem } from './config-problem.ts'
import type { Adjustment, Handover } from './handover.ts'
import type { All, AnyKind, Many, Optional, Resolved } from './kind.ts'
import type { LifecycleContext, Needs } from './lifecycle-context.ts'
import type { Measure } from './measure.ts'

export type { LifecycleContext, Needs } from './lifecycle-context.ts'

/** A component that a need is wired to, as a check gets it before anything starts. */
export interface Provider {
  /** Its name in the system config. */
  readonly name: string
  /** The kind that it provides. Its `variant` may be more specific than the need. */
  readonly provides: AnyKind
}

/** What a check finds for a need: the provider, maybe `undefined`, or a list in the order of the config. */
export type Providers<K> = K extends Many<AnyKind> | All<AnyKind>
  ? readonly Provider[]
  : K extends Optional<AnyKind>
    ? Provider | undefined
    : Provider

/**
 * A part of a system. `stop` is called once for every `start` or `resume` that returned, in reverse order, and for an instance
 * that was suspended and not resumed by a successor. A start that rejects must release everything that it has acquired.
 * @typeParam I what `start` returns: an instance of the kind, which may have further properties. `stop`, `suspend`, `resume`,
 * `refresh` and `measure` get this type; other components get the type of the kind. `defineComponent` infers it from `start`, which
 * is written before these five.
 */
export interface Component<P extends AnyKind, N extends Needs, C extends z.ZodType, I extends Resolved<P> = Resolved<P>>
  extends ComponentOf<P, N, C, I, Promise<I> | I> {}

/** A component whose instance is not checked against its kind yet: the argument of `defineComponent`, which checks it. */
export interface ComponentOf<P extends AnyKind, N extends Needs, C extends z.ZodType, I, R> {
  /** The kind of the instance that `start` returns. */
  readonly provides: P
  /** Its needs, under the names that `start` gets them by. */
  readonly needs: N
  /** The zod schema of its config; defaults and coercions in it apply before `start`. */
  readonly config: C
  /** A few words about the config, shown beside the name in a diagram or a status: `127.0.0.1:1883`. */
  describe?(config: z.output<C>): string
  /**
   * Finds problems that would make the start fail, before anything starts. A reset reports them and leaves the running system
   * unchanged. Called for an enabled entry whose own config and dependencies are valid.
   * @param providers of each need, without disabled components.
   * @returns the problems, with paths within the entry: `['dependencies', 'pipeline', 1]`. Empty if there are none.
   */
  check?(config: z.output<C>, providers: { readonly [K in keyof N]: Providers<N[K]> }): readonly ConfigProblem[]
  /** Starts the part. If it rejects, the start of the whole system fails and is undone. */
  start(config: z.output<C>, dependencies: { readonly [K in keyof N]: Resolved<N[K]> }, context: LifecycleContext): R
  /**
   * The numbers of the instance for operators. Called once, when the instance has started. Each measure reads its number on
   * request. An invalid list fails the start with START_FAILED.
   */
  measure?(instance: NoInfer<I>): readonly Measure[]
  /**
   * Why the instance cannot do its work at present: `the store does not keep pace`. Undefined when it can. It must be cheap, change
   * nothing and not throw. A system is ready for its clients when it runs and no component is unready.
   */
  unready?(instance: NoInfer<I>): string | undefined
  /**
   * Reads again the files that its config names, and takes over what changed in them. When it throws, the instance continues with what it
   * had. Called when an operator asks for it, never during `start` or twice at the same time, within `startDeadlineMs`.
   * @returns a few words of what changed, for the operator: `12 users, 1 added`; undefined when nothing did.
   */
  refresh?(
    instance: NoInfer<I>,
    context: LifecycleContext,
  ): Promise<string | undefined> | Promise<void> | string | undefined | void
  /**
   * The files that its config names. A reset takes it that the config has changed when the content of one of them has. Optional.
   * @returns paths, relative to the working directory or absolute.
   */
  reads?(config: z.output<C>): readonly string[]
  /**
   * What two instances cannot hold at once: `tcp:0.0.0.0:1883`, `directory:data`. A reset that restarts the component then stops the old
   * instance before it starts the new one. Optional.
   */
  exclusive?(config: z.output<C>): readonly string[]
  /**
   * What an instance keeps for its life, such as the directory of a store. A reset that changes it restarts the component, and neither
   * adjusts nor swaps the instance. Optional.
   */
  fixed?(config: z.output<C>): readonly string[]
  /**
   * Prepares a change of a running instance: same code, other config, contents of files, or neighbours. Touches nothing. Optional:
   * without it such a change is a swap or a restart.
   * @throws the reason why this change needs a swap or restart; the reset then plans that.
   */
  adjust?(
    instance: NoInfer<I>,
    config: z.output<C>,
    dependencies: { readonly [K in keyof N]: Resolved<N[K]> },
    context: LifecycleContext,
  ): Adjustment | Promise<Adjustment>
  /**
   * The network connections of the instance that are open now, by the name of the component that accepted each: its own, or that of a
   * transport. For the plan of a reset, which says how many of them it closes. Optional.
   */
  connections?(instance: NoInfer<I>): Readonly<Record<string, number>>
  /**
   * Called in the turn in which a reset is applied, when every component has been changed, also for an instance that was not: checks what
   * depends on others. If it throws, the reset is undone. Optional.
   */
  verify?(instance: NoInfer<I>): void
  /** How its state goes over to an instance of other code. Optional: without it an edit of its code is a restart. */
  readonly handover?: Handover<N, C, NoInfer<I>>
  /** Releases everything that `start` acquired. If it throws, the error is reported and the remaining components still stop. */
  stop?(instance: NoInfer<I>, context: LifecycleContext): Promise<void> | void
  /**
   * Called by a reset instead of `stop`. Stops work and returns the state that the successor of the same name needs, as plain
   * data. `stop` must still be able to release the suspended instance. Also called for a resumed instance if the rest of its
   * system does not start: the state then goes back to the previous config.
   */
  suspend?(instance: NoInfer<I>, context: LifecycleContext): unknown
  /**
   * Called by a reset instead of `start` when the predecessor was suspended. `suspended` comes from another generation of the
   * code: check it (with a zod schema) before use. After a resume, `stop` of the predecessor is not called. Do not change
   * `suspended`: if this or another component does not start, the next attempt gets it again, and `stop` may have closed what
   * it refers to.
   */
  resume?(
    config: z.output<C>,
    dependencies: { readonly [K in keyof N]: Resolved<N[K]> },
    suspended: unknown,
    context: LifecycleContext,
  ): Promise<NoInfer<I>> | NoInfer<I>
}

// biome-ignore lint/suspicious/noExplicitAny: stands for every component, with any kind, needs, config and instance.
export type AnyComponent = Component<any, any, any, any>

/**
 * The return type of `start`: I if it extends the kind's type T. Otherwise T, with a hint if `string` is used for a literal. S
 * keeps I out of the conditional type: otherwise the compiler would infer one member of a union I.
 */
export type Returned<I, T, S = Promise<I> | I> = [I] extends [T] ? S : Promise<Hinted<I, T>> | Hinted<I, T>

type Hinted<I, T> = [WidenedNames<I, T>] extends [never]
  ? T
  : {
      [K in keyof T]: K extends WidenedNames<I, T>
        ? T[K] | `write '${T[K] & string}' as const, or annotate what start returns: TypeScript reads a string here`
        : T[K]
    }

/** The properties of I that are a `string` where T has literals: `role: 'filter'` in an object without a type annotation. */
type WidenedNames<I, T> = {
  [K in keyof I & keyof T]: [T[K]] extends [string]
    ? string extends T[K]
      ? never
      : string extends I[K]
        ? K
        : never
    : never
}[keyof I & keyof T]
