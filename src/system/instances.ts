import { asValue, createContainer } from 'awilix'

/**
 * Names that `await`, `JSON.stringify`, inspectors and the REPL read from any object. They return undefined instead of an
 * error.
 */
const probes = new Set(['then', 'toJSON', 'inspect', 'length', 'splice'])

/** The instances of a system by component name, held by awilix. `map` is the view for people and programs. */
export class Instances {
  readonly #container = createContainer<Record<string, unknown>>({ strict: true })
  readonly #held = new Set<string>()
  /**
   * The cradle of awilix, limited to running components: reading another name throws the error that `missing` returns. Keys,
   * `in`, `Object.entries` and printing show the running ones, in the order of `names`. It cannot be written to.
   */
  readonly map: Readonly<Record<string, unknown>>

  constructor(names: readonly string[], isRunning: (name: string) => boolean, missing: (name: string) => Error) {
    const isVisible = (key: string | symbol): key is string =>
      typeof key === 'string' && this.#held.has(key) && isRunning(key)
    // Inspectors print the target of a proxy, so the target has the function that prints the map.
    const print = { value: () => ({ ...this.map }), configurable: true }
    this.map = new Proxy(Object.defineProperty({}, Symbol.for('nodejs.util.inspect.custom'), print), {
      get: (target, key) => {
        if (isVisible(key)) return this.get(key)
        if (typeof key === 'symbol' || key in target) return Reflect.get(target, key)
        if (probes.has(key)) return undefined
        throw missing(key)
      },
      has: (_target, key) => isVisible(key),
      ownKeys: () => names.filter(isVisible),
      getOwnPropertyDescriptor: (_target, key) =>
        isVisible(key) ? { value: this.get(key), enumerable: true, configurable: true } : undefined,
      set: () => false,
      defineProperty: () => false,
      deleteProperty: () => false,
    })
  }

  has(name: string): boolean {
    return this.#held.has(name)
  }

  get(name: string): unknown {
    return this.#container.resolve(name)
  }

  set(name: string, instance: unknown): void {
    this.#container.register(name, asValue(instance))
    this.#held.add(name)
  }

  /** Removes an instance. awilix keeps the name, but not the instance. */
  take(name: string): unknown {
    const instance = this.get(name)
    this.#container.register(name, asValue(undefined))
    this.#held.delete(name)
    return instance
  }
}
