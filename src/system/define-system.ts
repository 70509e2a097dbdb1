/**
 * The language a system is written in: `defineComponent` for the parts, `defineSystem` for the wiring. Both return their
 * argument. Their types turn wiring mistakes into compile errors at the wrong word. `check-config.ts` applies the same rules at
 * run time.
 */

import type { z } from 'zod'
import type { AnyComponent, Component, ComponentOf, Needs, Returned } from './component.ts'
import type { All, AnyKind, Exclusive, Kind, Many, Need, Optional, Resolved } from './kind.ts'

export type { AnyComponent, Component, LifecycleContext, Needs, Provider, Providers } from './component.ts'
export type { Adjustment, Handover } from './handover.ts'
export { type ComponentMeasure, counter, gauge, type Measure } from './measure.ts'

/**
 * Declares a component. The types of `start`'s arguments follow from `needs` and `config`; those of `stop`, `suspend`, `resume`
 * and `measure` follow from the result of `start`.
 */
export const defineComponent = <P extends AnyKind, N extends Needs, C extends z.ZodType, I = Resolved<P>>(
  component: ComponentOf<P, N, C, I, Returned<I, Resolved<P>>>,
): Defined<P, N, C, I> => component as unknown as Defined<P, N, C, I>

type Defined<P extends AnyKind, N extends Needs, C extends z.ZodType, I> = [I] extends [Resolved<P>]
  ? Component<P, N, C, I>
  : Component<P, N, C>

declare const kindNeeded: unique symbol
/** Added to the valid names, so that the compiler's message says which kind is needed. No value has this type. */
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

/** The type of a need in `dependencies`. */
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
/** The needs that the entry wires, without those for all components of a kind. */
type WiredNames<N extends Needs> = { [K in keyof N]: N[K] extends All<AnyKind> ? never : K }[keyof N]
type NoWires = { readonly [name: string]: 'this component needs nothing' }
type AllWithoutWires = { readonly [name: string]: 'this component gets all that it needs without wiring' }
/** The type of `dependencies`. The last step merges two object types into one, which messages print in full. */
type Wires<S, N extends Needs> = [WiredNames<N>] extends [never]
  ? keyof N extends never
    ? NoWires
    : AllWithoutWires
  : { [K in Exclude<WiredNames<N>, OptionalNames<N>>]: Wire<S, N[K]> } & {
        [K in OptionalNames<N>]?: Wire<S, N[K]>
      } extends infer Both
    ? { [K in keyof Both]: Both[K] }
    : never

/** The keys that every entry may have, for any component. */
export interface EntryOptions {
  /** `false` leaves the component out of the system. Lists and optional needs that name it skip it. Default true. */
  readonly enabled?: boolean
  /** How long `start` (or `resume`) may take, in milliseconds; 1 to 3,600,000, default 10,000. */
  readonly startDeadlineMs?: number
  /** How long `stop` (or `suspend`) may take, in milliseconds; 1 to 3,600,000, default 10,000. */
  readonly stopDeadlineMs?: number
}

/**
 * An entry of a system. There are four interfaces, for the keys that may be omitted, since the message about a property that is
 * missing from an interface is one line, and from an intersection a screenful. The dependencies come first because messages cut
 * off long types.
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

/** It extends a type exactly if that type requires no property. */
type Nothing = Record<never, never>
type EntryOf<W, Z, C> = Nothing extends W
  ? Nothing extends Z
    ? EntryWithoutBoth<W, Z, C>
    : EntryWithoutDependencies<W, Z, C>
  : Nothing extends Z
    ? EntryWithoutConfig<W, Z, C>
    : Entry<W, Z, C>

declare const form: unique symbol
/** The form of an entry whose component is not known, for the compiler's message. No value has this type. */
export interface EntryOfTheForm<Form extends string> extends EntryOptions {
  readonly component: AnyComponent
  readonly config?: unknown
  readonly dependencies?: Readonly<Record<string, string | readonly string[]>>
  readonly [form]?: Form
}
/** Whether a type is AnyComponent: the compiler infers it for an entry without `component`. */
type IsUnknown<S> = S extends { provides: infer P } ? (0 extends 1 & P ? true : false) : false

/** A system: each name with its component, config and dependencies. TypeScript infers S from the `component` lines alone. */
export type SystemConfig<S> = {
  readonly [N in keyof S]: IsUnknown<S[N]> extends true
    ? EntryOfTheForm<'{ component: ... }'>
    : S[N] extends Component<AnyKind, infer W, infer Z>
      ? EntryOf<Wires<S, W>, z.input<Z>, S[N]>
      : never
}

/** The instances of a running system by name. A disabled component has none: reading it throws. */
export type SystemMap<C> = {
  readonly [N in keyof C]: C[N] extends { readonly component: { readonly provides: infer P } } ? Resolved<P> : never
}

/**
 * Declares a system. The wiring is checked by the compiler here and again, with everything it cannot see (cycles, values
 * of the config), by `checkConfig` before anything starts. A variant is a spread: `defineSystem({ ...base, store: {...} })`.
 */
export const defineSystem = <S extends Record<string, AnyComponent>>(system: SystemConfig<S>): SystemConfig<S> => system

/** A system config whose types are not known: the default export of a file before it is checked. */
export type AnySystemConfig = Readonly<Record<string, AnyEntry>>

/** One entry of a system config as the container sees it. */
export interface AnyEntry extends EntryOptions {
  readonly component: AnyComponent
  readonly config?: unknown
  readonly dependencies?: Readonly<Record<string, string | readonly string[]>>
}
