import { memoryUsage, version as nodeVersion } from 'node:process'
import { packageVersion } from '../../src/files/package-version.ts'
import type { BrokerInspector } from '../../src/kinds/broker-inspector.ts'
import type { ComponentMeasure, LifecycleContext } from '../../src/system/define-system.ts'
import type { EventLoopDelay } from './event-loop-delay.ts'

/** The broker at a glance. */
export class Overview {
  readonly #version = packageVersion()
  readonly #system: LifecycleContext['system']
  readonly #inspector: BrokerInspector
  readonly #delay: EventLoopDelay
  /** The keys of measures, which stay the same. */
  readonly #keys = new WeakMap<ComponentMeasure['measure'], string>()

  constructor(system: LifecycleContext['system'], inspector: BrokerInspector, delay: EventLoopDelay) {
    this.#system = system
    this.#inspector = inspector
    this.#delay = delay
  }

  read() {
    const { state, runningSinceMs } = this.#system
    const startedAtMs = Math.round(runningSinceMs ?? Date.now())
    const { rss: rssBytes, heapUsed: heapUsedBytes } = memoryUsage()
    return {
      ...{ version: this.#version, nodeVersion, startedAtMs },
      uptimeSeconds: Math.max(0, Math.round((Date.now() - startedAtMs) / 1_000)),
      state,
      ...this.#inspector.counts,
      eventLoop: this.#delay.delays,
      memory: { rssBytes, heapUsedBytes },
      counters: Object.fromEntries(this.#system.measures().map((each) => [this.#keyOf(each), each.measure.read()])),
    }
  }

  /** `mqttHandler.refused{reason="Not authorized"}`. */
  #keyOf({ component, measure }: ComponentMeasure): string {
    const known = this.#keys.get(measure)
    if (known !== undefined) return known
    const labels = Object.entries(measure.labels ?? {}).map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    const key = `${component}.${measure.name}${labels.length === 0 ? '' : `{${labels.join(',')}}`}`
    this.#keys.set(measure, key)
    return key
  }
}
