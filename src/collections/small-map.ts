/**
 * A map that keeps a single entry in its own fields and makes a Map for the second. Many maps have one entry only: for these a
 * Map takes some 200 bytes, and the fields take 24.
 */
export class SmallMap<K, V extends object> {
  #key: K | undefined = undefined
  #value: V | undefined = undefined
  /** Holds all entries, once there were two. It stays even if entries are removed. */
  #map: Map<K, V> | undefined = undefined

  get size(): number {
    if (this.#map !== undefined) return this.#map.size
    return this.#value === undefined ? 0 : 1
  }

  get(key: K): V | undefined {
    if (this.#map !== undefined) return this.#map.get(key)
    return this.#key === key ? this.#value : undefined
  }

  set(key: K, value: V): void {
    if (this.#map !== undefined) {
      this.#map.set(key, value)
    } else if (this.#value === undefined || this.#key === key) {
      this.#key = key
      this.#value = value
    } else {
      this.#map = new Map([
        [this.#key as K, this.#value],
        [key, value],
      ])
      this.#key = undefined
      this.#value = undefined
    }
  }

  /** @returns false when there was none. */
  delete(key: K): boolean {
    if (this.#map !== undefined) return this.#map.delete(key)
    if (this.#value === undefined || this.#key !== key) return false
    this.#key = undefined
    this.#value = undefined
    return true
  }

  /** Gives each entry another key, in the same order. @param keyOf two keys never get the same one. */
  replaceKeys(keyOf: (key: K) => K): void {
    if (this.#map !== undefined) this.#map = new Map(Array.from(this.#map, ([key, value]) => [keyOf(key), value]))
    else if (this.#value !== undefined) this.#key = keyOf(this.#key as K)
  }

  entries(): Iterable<readonly [K, V]> {
    if (this.#map !== undefined) return this.#map
    return this.#value === undefined ? NONE : [[this.#key as K, this.#value]]
  }

  values(): Iterable<V> {
    if (this.#map !== undefined) return this.#map.values()
    return this.#value === undefined ? NONE : [this.#value]
  }
}

const NONE: readonly never[] = []
