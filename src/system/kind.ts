/**
 * Kinds: the roles that components play. A component provides one kind and needs others; a system wires a need to any
 * component of that kind, which is what makes swapping an edit of the config.
 *
 * A kind is two things under one name: a string compared at run time and a type compared at compile time.
 */

/** A role a component can play. `name` is compared at run time, `T` at compile time. */
export interface Kind<N extends string, T> {
  readonly name: N
  /** At most one enabled component of a system may provide this kind. */
  readonly unique: boolean
  /** Tells the providers of one kind apart before they start; two kinds that differ in this alone are one kind. */
  readonly variant: string | undefined
  /** Never set: carries `T` for the compiler. */
  readonly type?: T
}

/** A need that may be left out; the component then finds `undefined` in its dependencies. */
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

/** What a component may ask for under one name: a kind, `optional(kind)`, `many(kind)`, `all(kind)` or `exclusive(kind)`. */
export type Need = AnyKind | Optional<AnyKind> | Many<AnyKind> | All<AnyKind> | Exclusive<AnyKind>

/** What the start function finds for a need: the instance, maybe `undefined`, or a list in the order of the config. */
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
 * Makes a kind: `export const Store = kind<Store>()('Store')`. Two calls because TypeScript infers all type arguments of
 * a call or none.
 *
 * @param options.unique the check of the config refuses a second enabled provider; for roles where two would silently
 * split the system in halves (a router of messages, say).
 * @param options.variant what a component's `check` sees of a provider that has not started yet. A kind with a variant has
 * the name of the kind that it is a variant of, and a type that extends that kind's.
 */
export const kind =
  <T>() =>
  <const N extends string>(
    name: N,
    options: { readonly unique?: boolean; readonly variant?: string } = {},
  ): Kind<N, T> => ({
    name,
    unique: options.unique ?? false,
    variant: options.variant,
  })

/** A need that the config may leave out, or point at a disabled component. */
export const optional = <K extends AnyKind>(of: K): Optional<K> => ({ mode: 'optional', kind: of })

/** A need for zero or more components, in the order listed; disabled ones are passed over. */
export const many = <K extends AnyKind>(of: K): Many<K> => ({ mode: 'many', kind: of })

/**
 * A need for every enabled component of a kind but the one that needs them, in the order of the config. It is not wired: the
 * entry does not name it in `dependencies`. A component that needs all of a kind starts after all of them, so none of
 * them can depend on it.
 */
export const all = <K extends AnyKind>(of: K): All<K> => ({ mode: 'all', kind: of })

/**
 * A need for one component that has one owner alone: the check of the config refuses a second enabled component that needs
 * the same provider exclusively. A component that needs it without `exclusive` owns nothing and may share it.
 */
export const exclusive = <K extends AnyKind>(of: K): Exclusive<K> => ({ mode: 'exclusive', kind: of })

/** A need, whichever of its five forms it has. */
export interface NeedParts {
  readonly kind: AnyKind
  readonly mode: 'one' | 'optional' | 'many' | 'all'
  /** Whether what it is wired to may have no other owner. */
  readonly exclusive: boolean
}

/** The parts of a need. */
export const needOf = (need: Need): NeedParts => {
  if (!('mode' in need)) return { kind: need, mode: 'one', exclusive: false }
  if (need.mode === 'exclusive') return { kind: need.kind, mode: 'one', exclusive: true }
  return { kind: need.kind, mode: need.mode, exclusive: false }
}
