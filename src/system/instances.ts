import { asValue, createContainer } from 'awilix'

/** What `await`, `JSON.stringify`, inspectors and the REPL look for on any object: answered with undefined, not an error. */
const probes = new Set(['then', 'toJSON', 'inspect', 'length', 'splice'])

/** The instances of a system by component name, held by awilix; `map` is what a person or a program sees of them. */
export class Instances {
  readonly #container = createContainer<Record<string, unknown>>({ strict: true })
  readonly #held = new Set<string>()
  /**
   * The cradle, narrowed to the components that are running: reading another name throws what `missing` returns. Keys,
   * `in`, `Object.entries` and printing show the running ones, in the order of `names`. It cannot be written to.
   */
  readonly map: Readonly<Record<string, unknown>>

  constructor(names: readonly string[], isRunning: (name: string) => boolean, missing: (name: string) => Error) {
    const isVisible = (key: string | symbol): key is string =>
      typeof key === 'string' && this.#held.has(key) && isRunning(key)
    // Inspectors look behind a proxy at its target, so the target has to know how to print the map.
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

  /** Takes an instance out. awilix cannot forget a name, but it forgets the instance. */
  take(name: string): unknown {
    const instance = this.get(name)
    this.#container.register(name, asValue(undefined))
    this.#held.delete(name)
    return instance
  }
}
