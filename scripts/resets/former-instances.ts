/** The instances of components that a reset has replaced. They must be collected as garbage. */
export class FormerInstances {
  readonly #noted = new Map<string, WeakRef<object>[]>()

  /** Notes the instances that run now. */
  note(instances: Readonly<Record<string, unknown>>): void {
    for (const [name, instance] of Object.entries(instances)) {
      if (typeof instance !== 'object' || instance === null) continue
      const before = this.#noted.get(name) ?? []
      if (before.at(-1)?.deref() !== instance) this.#noted.set(name, [...before, new WeakRef(instance)])
    }
  }

  /** How many former instances exist, by the names of their components, as far as there are any. Call it after a collection. */
  alive(): Readonly<Record<string, number>> {
    const counts = [...this.#noted].map(([name, instances]): [string, number] => [
      name,
      instances.slice(0, -1).filter((each) => each.deref() !== undefined).length,
    ])
    return Object.fromEntries(counts.filter(([, alive]) => alive > 0))
  }
}
