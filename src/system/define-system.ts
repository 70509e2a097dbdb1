/**
 * The language a system is written in: `defineComponent` for the parts, `defineSystem` for the wiring. Both return what
 * they are given; their worth is in the types, which turn wiring mistakes into compile errors on the offending word.
 * `check-config.ts` holds the same rules at run time.
 */

import type { z } from 'zod'
import type { ConfigProblem } from './config-problem.ts'
import type { AnyKind, Exclusive, Kind, Many, Need, Optional, Resolved } from './kind.ts'

export type Needs = Readonly<Record<string, Need>>

/** What a component's functions are told by the container besides their config and dependencies. */
export interface LifecycleContext {
  /** The name the component has in the system config: `server` in `{ server: { component: ... } }`. */
  readonly name: string
  /** Aborted when the deadline of this start or stop passes, or when the system is stopped while this part starts. */
  readonly signal: AbortSignal
}

/** A component that a need is wired to, as a check sees it: before anything starts. */
export interface Provider {
  /** Its name in the system config. */
  readonly name: string
  /** The kind that it provides, of which `variant` may say more than the need asked for. */
  readonly provides: AnyKind
}

/** What a check finds for a need: the provider, maybe `undefined`, or a list in the listed order. */
export type Providers<K> =
  K extends Many<AnyKind> ? readonly Provider[] : K extends Optional<AnyKind> ? Provider | undefined : Provider

/**
 * A part of a system.
 *
 * `stop` is called once for every `start` or `resume` that returned, in reverse order; also for an instance that was
 * suspended and that no successor resumed. A start that rejects must have released what it had acquired.
 */
export interface Component<P extends AnyKind, N extends Needs, C extends z.ZodType> {
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
  start(
    config: z.output<C>,
    dependencies: { readonly [K in keyof N]: Resolved<N[K]> },
    context: LifecycleContext,
  ): Promise<Resolved<P>> | Resolved<P>
  /** Releases everything that `start` acquired. A throw is reported and keeps nothing else from stopping. */
  stop?(instance: Resolved<P>, context: LifecycleContext): Promise<void> | void
  /**
   * Called by a reset instead of `stop`: ceases work and returns what the successor under the same name needs to go on,
   * as plain data. `stop` must still be able to release the suspended instance. Also called for an instance that was resumed
   * when the rest of its system does not start: what it returns then goes back to the previous config.
   */
  suspend?(instance: Resolved<P>, context: LifecycleContext): unknown
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
  ): Promise<Resolved<P>> | Resolved<P>
}

// biome-ignore lint/suspicious/noExplicitAny: stands for every component, whatever its kind, needs and config.
export type AnyComponent = Component<any, any, any>

/** Declares a component. The types of `start`'s arguments follow from `needs` and `config`. */
export const defineComponent = <P extends AnyKind, N extends Needs, C extends z.ZodType>(
  component: Component<P, N, C>,
): Component<P, N, C> => component

declare const kindNeeded: unique symbol
/** Stands beside the names that would do, for the compiler's message to say which kind is needed. Nothing has this type. */
export interface ComponentOfKind<Name extends string> {
  readonly [kindNeeded]: Name
}

/** The names in system S whose component provides `Name`, or a sentence that says there is none. */
type ProviderName<S, Name extends string> = {
  [N in keyof S]: S[N] extends { provides: { name: Name } } ? N : never
}[keyof S] extends infer Names
  ? [Names] extends [never]
    ? `no component in this system provides ${Name}`
    : Names | ComponentOfKind<Name>
  : never

/** What may be written in `dependencies` for a need. */
type Wire<S, K extends Need> =
  K extends Many<infer E>
    ? readonly ProviderName<S, E['name']>[]
    : K extends Optional<infer E>
      ? ProviderName<S, E['name']>
      : K extends Exclusive<infer E>
        ? ProviderName<S, E['name']>
        : K extends Kind<infer Name, unknown>
          ? ProviderName<S, Name>
          : never

type OptionalNames<N extends Needs> = { [K in keyof N]: N[K] extends Optional<AnyKind> ? K : never }[keyof N]
type NoWires = { readonly [name: string]: 'this component needs nothing' }
/** What may be written in `dependencies`. The last step makes one object type of two, which messages print in full. */
type Wires<S, N extends Needs> = keyof N extends never
  ? NoWires
  : { [K in Exclude<keyof N, OptionalNames<N>>]: Wire<S, N[K]> } & {
        [K in OptionalNames<N>]?: Wire<S, N[K]>
      } extends infer Both
    ? { [K in keyof Both]: Both[K] }
    : never

/** What every entry may say, whatever its component. */
export interface EntryOptions {
  /** `false` leaves the component out of the system; lists and optional needs that name it pass it over. Default true. */
  readonly enabled?: boolean
  /** How long `start` (or `resume`) may take, in milliseconds; 1 to 3,600,000, default 10,000. */
  readonly startDeadlineMs?: number
  /** How long `stop` (or `suspend`) may take, in milliseconds; 1 to 3,600,000, default 10,000. */
  readonly stopDeadlineMs?: number
}

/**
 * An entry of a system. There are four interfaces for what may be left out because a message about a property that is
 * missing from an interface is one line, and about one that is missing from an intersection a screenful. The wires come
 * first because messages cut long types short.
 */
export interface Entry<W, Z, C> extends EntryOptions {
  readonly component: C
  readonly config: Z
  readonly dependencies: W
}
export interface EntryWithoutConfig<W, Z, C> extends EntryOptions {
  readonly component: C
  readonly config?: Z
  readonly dependencies: W
}
export interface EntryWithoutDependencies<W, Z, C> extends EntryOptions {
  readonly component: C
  readonly config: Z
  readonly dependencies?: W
}
export interface EntryWithoutBoth<W, Z, C> extends EntryOptions {
  readonly component: C
  readonly config?: Z
  readonly dependencies?: W
}

// `{}` here means "nothing is required", which is the question asked.
// biome-ignore lint/complexity/noBannedTypes: see above
type Nothing = {}
type EntryOf<W, Z, C> = Nothing extends W
  ? Nothing extends Z
    ? EntryWithoutBoth<W, Z, C>
    : EntryWithoutDependencies<W, Z, C>
  : Nothing extends Z
    ? EntryWithoutConfig<W, Z, C>
    : Entry<W, Z, C>

/** A system: each name with its component, config and dependencies. TypeScript infers S from the `component` lines alone. */
export type SystemConfig<S> = {
  readonly [N in keyof S]: S[N] extends Component<AnyKind, infer W, infer Z>
    ? EntryOf<Wires<S, W>, z.input<Z>, S[N]>
    : never
}

/** The instances of a running system by name. A disabled component has none: reading it throws. */
export type SystemMap<C> =
  C extends SystemConfig<infer S>
    ? { readonly [N in keyof S]: S[N] extends Component<infer P, Needs, z.ZodType> ? Resolved<P> : never }
    : never

/**
 * Declares a system. The wiring is checked by the compiler here and again, with everything it cannot see (cycles, values
 * of the config), by `checkConfig` before anything starts. A variant is a spread: `defineSystem({ ...base, store: {...} })`.
 */
export const defineSystem = <S extends Record<string, AnyComponent>>(system: SystemConfig<S>): SystemConfig<S> => system

/** A system config whose types are not known: what a file's default export is until it is checked. */
export type AnySystemConfig = Readonly<Record<string, AnyEntry>>

/** One entry of a system config as the container sees it. */
export interface AnyEntry extends EntryOptions {
  readonly component: AnyComponent
  readonly config?: unknown
  readonly dependencies?: Readonly<Record<string, string | readonly string[]>>
}
