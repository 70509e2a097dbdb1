/**
 * Kinds: the roles that components play. A component provides one kind and needs others; a system wires a need to any component
 * of that kind, so a component is replaced by an edit of the config. A kind consists of two things with one name: a string
 * compared at run time and a type compared at compile time.
 */

/** A role of a component. `name` is compared at run time, `T` at compile time. */
export interface Kind<N extends string, T> {
  readonly name: N
  /** At most one enabled component of a system may provide this kind. */
  readonly unique: boolean
  /** Distinguishes the providers of one kind before they start. Two kinds that differ only in this are the same kind. */
  readonly variant: string | undefined
  /** Whether a restarted provider holds nothing for its dependents: they are adjusted to the new instance and not restarted. */
  readonly stateless: boolean
  /** Never set: carries `T` for the compiler. */
  readonly type?: T
}

/** An optional need. The component gets `undefined` if it is not wired. */
export interface Optional<K extends AnyKind> {
  readonly mode: 'optional'
  readonly kind: K
}

/** A need for any number of components of one kind, in the order the config lists them. */
export interface Many<K extends AnyKind> {
  readonly mode: 'many'
  readonly kind: K
}

/** A need for every enabled component of one kind, in the order of the config. */
export interface All<K extends AnyKind> {
  readonly mode: 'all'
  readonly kind: K
}

/** A need for a component that no other component may own as well. */
export interface Exclusive<K extends AnyKind> {
  readonly mode: 'exclusive'
  readonly kind: K
}

// biome-ignore lint/suspicious/noExplicitAny: stands for a kind of any type; `unknown` would not be assignable from a covariant use.
export type AnyKind = Kind<string, any>

/** The forms of a need: a kind, `optional(kind)`, `many(kind)`, `all(kind)` or `exclusive(kind)`. */
export type Need = AnyKind | Optional<AnyKind> | Many<AnyKind> | All<AnyKind> | Exclusive<AnyKind>

/** The type of a need in the arguments of `start`: the instance, maybe `undefined`, or a list in the order of the config. */
export type Resolved<K> = K extends Many<infer E> | All<infer E>
  ? readonly Resolved<E>[]
  : K extends Optional<infer E>
    ? Resolved<E> | undefined
    : K extends Exclusive<infer E>
      ? Resolved<E>
      : K extends Kind<string, infer T>
        ? T
        : never

/**
 * Makes a kind: `export const Store = kind<Store>()('Store')`. Two calls because TypeScript infers all type arguments of a call
 * or none.
 *
 * @param options.unique the check of the config refuses a second enabled provider. For roles where two providers would silently
 * split the system, such as a router of messages.
 * @param options.variant data about a provider for the `check` of a component, before the provider has started. A kind with a
 * variant has the name of the kind that it is a variant of, and a type that extends that kind's.
 * @param options.stateless a component that is restarted by a reset does not make its dependents restart: `Component.adjust` gives them
 * the new instance.
 */
export const kind =
  <T>() =>
  <const N extends string>(
    name: N,
    options: { readonly unique?: boolean; readonly variant?: string; readonly stateless?: boolean } = {},
  ): Kind<N, T> => ({
    name,
    unique: options.unique ?? false,
    variant: options.variant,
    stateless: options.stateless ?? false,
  })

/** A need that the config may leave out, or point at a disabled component. */
export const optional = <K extends AnyKind>(of: K): Optional<K> => ({ mode: 'optional', kind: of })

/** A need for zero or more components, in the order listed. Disabled components are skipped. */
export const many = <K extends AnyKind>(of: K): Many<K> => ({ mode: 'many', kind: of })

/**
 * A need for every enabled component of a kind, except the component itself, in the order of the config. It is not wired: the
 * entry does not name it in `dependencies`. A component that needs all of a kind starts after all of them, so they cannot
 * depend on it.
 */
export const all = <K extends AnyKind>(of: K): All<K> => ({ mode: 'all', kind: of })

/**
 * A need for one component with a single owner: the check of the config refuses a second enabled component that needs the same
 * provider exclusively. A component that needs it without `exclusive` owns nothing and may share it.
 */
export const exclusive = <K extends AnyKind>(of: K): Exclusive<K> => ({ mode: 'exclusive', kind: of })

/** A need, in any of its five forms. */
export interface NeedParts {
  readonly kind: AnyKind
  readonly mode: 'one' | 'optional' | 'many' | 'all'
  /** Whether the provider may have no other owner. */
  readonly exclusive: boolean
}

/** The parts of a need. */
export const needOf = (need: Need): NeedParts => {
  if (!('mode' in need)) return { kind: need, mode: 'one', exclusive: false }
  if (need.mode === 'exclusive') return { kind: need.kind, mode: 'one', exclusive: true }
  return { kind: need.kind, mode: need.mode, exclusive: false }
}
