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

// biome-ignore lint/suspicious/noExplicitAny: stands for a kind of any type; `unknown` would not be assignable from a covariant use.
export type AnyKind = Kind<string, any>

/** What a component may ask for under one name: a kind, `optional(kind)` or `many(kind)`. */
export type Need = AnyKind | Optional<AnyKind> | Many<AnyKind>

/** What the start function finds for a need: the instance, maybe `undefined`, or a list in the listed order. */
export type Resolved<K> =
  K extends Many<infer E>
    ? readonly Resolved<E>[]
    : K extends Optional<infer E>
      ? Resolved<E> | undefined
      : K extends Kind<string, infer T>
        ? T
        : never

/**
 * Makes a kind: `export const Store = kind<Store>()('Store')`. Two calls because TypeScript infers all type arguments of
 * a call or none.
 *
 * @param options.unique the check of the config refuses a second enabled provider; for roles where two would silently
 * split the system in halves (a router of messages, say).
 */
export const kind =
  <T>() =>
  <const N extends string>(name: N, options: { readonly unique?: boolean } = {}): Kind<N, T> => ({
    name,
    unique: options.unique ?? false,
  })

/** A need that the config may leave out, or point at a disabled component. */
export const optional = <K extends AnyKind>(of: K): Optional<K> => ({ mode: 'optional', kind: of })

/** A need for zero or more components, in the order listed; disabled ones are passed over. */
export const many = <K extends AnyKind>(of: K): Many<K> => ({ mode: 'many', kind: of })

/** The kind and the mode of a need, whichever of its three forms it has. */
export const needOf = (need: Need): { readonly kind: AnyKind; readonly mode: 'one' | 'optional' | 'many' } =>
  'mode' in need ? need : { kind: need, mode: 'one' }
