import type { LifecycleContext } from '../../src/system/define-system.ts'
import type { Family } from './family.ts'

/** The state of the components at a request: it is asked for once, for all numbers that it has. */
export class SystemState {
  readonly #system: LifecycleContext['system']
  #ready: ReadonlyMap<string, number> = new Map()

  constructor(system: LifecycleContext['system']) {
    this.#system = system
  }

  read(): void {
    this.#ready = new Map(
      this.#system
        .status()
        .map(({ name, state, unready }) => [name, state === 'running' && unready === undefined ? 1 : 0]),
    )
  }

  families(): readonly Family[] {
    const components = this.#system.status().filter(({ state }) => state !== 'disabled')
    const ready: Family = {
      name: 'mqtt_jig_component_ready',
      type: 'gauge',
      help: '1 for a component that runs and can do its work.',
      samples: components.map(({ name, kind }) => ({
        labels: [
          ['component', name],
          ['kind', kind],
        ],
        read: () => this.#ready.get(name) ?? 0,
      })),
    }
    return [ready]
  }
}
