/** A change of a running object, applied and taken back as a whole: what a component prepares for a reset (`Component.adjust`). */

/** Applies a part of a change. It does not wait for anything. @returns takes it back. */
export type Step = () => () => void

/** Steps that are applied in their order and taken back in reverse. */
export class Change {
  readonly #steps: readonly Step[]
  readonly #back: (() => void)[] = []
  /** See `Adjustment`. */
  readonly done: () => Promise<void> | void
  readonly discard: () => Promise<void> | void

  /** @param ends what follows when the change is there for good, or was given up before it was applied. */
  constructor(
    steps: readonly Step[],
    ends: { readonly done?: () => Promise<void> | void; readonly discard?: () => Promise<void> | void } = {},
  ) {
    this.#steps = steps
    this.done = ends.done ?? nothing
    this.discard = ends.discard ?? nothing
  }

  commit(): void {
    for (const step of this.#steps) this.#back.push(step())
  }

  /** Also after a `commit` that threw: what was applied until then is taken back. */
  undo(): void {
    for (let back = this.#back.pop(); back !== undefined; back = this.#back.pop()) back()
  }
}

const nothing = (): void => {}

/** Sets fields of an object. */
export const setting =
  <T extends object>(target: T, fields: Partial<T>): Step =>
  () => {
    const before: Partial<T> = {}
    for (const key of Object.keys(fields) as (keyof T)[]) before[key] = target[key]
    Object.assign(target, fields)
    return () => void Object.assign(target, before)
  }

/**
 * The config that one instance reads, in all its parts: a copy whose values change in place (`replacing`). A part that keeps this object,
 * and no value of it, follows a change without being told.
 */
export const liveConfig = <T extends object>(config: T): T => ({ ...config })

/** Gives a live config all values of another config. */
export const replacing = <T extends object>(live: T, config: T): Step => {
  const missing = Object.keys(live).filter((key) => !Object.hasOwn(config, key))
  return setting(live, { ...Object.fromEntries(missing.map((key) => [key, undefined])), ...config })
}

/**
 * Refuses a change of neighbours that an instance does not follow.
 * @throws an Error that names the first one that is another object than before.
 */
export const expectSame = <T extends object>(before: T, now: T, ...names: readonly (keyof T & string)[]): void => {
  const other = names.find((name) => before[name] !== now[name])
  if (other !== undefined) throw new Error(`${other} is another instance`)
}

/**
 * Refuses a change of values that an instance does not follow.
 * @throws an Error that names the first one, and no value.
 */
export const expectEqual = <T extends object>(before: T, now: T, ...names: readonly (keyof T & string)[]): void => {
  const other = names.find((name) => !isEqual(before[name], now[name]))
  if (other !== undefined) throw new Error(`${other} has changed`)
}

/** Whether two values of a config are equal. Objects of classes are equal if they have the same text, as URLs do. */
const isEqual = (one: unknown, other: unknown): boolean => {
  if (Object.is(one, other)) return true
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false
  if (!isPlain(one) || !isPlain(other)) return textOf(one) !== undefined && textOf(one) === textOf(other)
  const keys = new Set([...Object.keys(one), ...Object.keys(other)])
  return [...keys].every((key) => isEqual(Reflect.get(one, key), Reflect.get(other, key)))
}

const isPlain = (value: object): boolean =>
  Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype || Object.getPrototypeOf(value) === null

const textOf = (value: object): string | undefined =>
  value.toString === Object.prototype.toString ? undefined : `${value}`
