/** A system whose components go on over resets in all ways that there are, with faults on demand. */

import { z } from 'zod'
import type { AnyComponent } from '../../src/system/component.ts'
import { type AnyEntry, type AnySystemConfig, defineComponent } from '../../src/system/define-system.ts'
import type { Handover } from '../../src/system/handover.ts'
import { kind, many } from '../../src/system/kind.ts'

/** An instance: it has state, and says what it is by its answer. */
export class Live {
  readonly name: string
  /** The code that made it. */
  readonly code: number
  value: number
  dependencies: readonly Live[]
  /** What it holds for others; it goes over by reference. */
  entries: string[] = []
  /** Whether it acts: a successor does so from its `take`, and the one before until it is retired. */
  phase: 'passive' | 'active' | 'ended' = 'passive'

  constructor(name: string, code: number, value: number, dependencies: readonly Live[]) {
    this.name = name
    this.code = code
    this.value = value
    this.dependencies = dependencies
  }

  /** Its state and that of all that it depends on. */
  answer(): string {
    const below = this.dependencies.map((each) => each.answer()).join(' ')
    return `${this.name}.${this.code} ${this.phase} ${this.value} [${this.entries.join()}]${below === '' ? '' : ` (${below})`}`
  }
}

export const LiveKind = kind<Live>()('Live')
export const Policy = kind<Live>()('Policy', { stateless: true })
const config = z.strictObject({ value: z.number().default(1) })
const needs = { on: many(LiveKind), policies: many(Policy) }

interface Wired {
  readonly on: readonly Live[]
  readonly policies: readonly Live[]
}

/** How an instance goes on: which of the functions its component has. */
export interface Ways {
  readonly adjust?: boolean
  readonly handover?: boolean
  readonly suspend?: boolean
  readonly policy?: boolean
  readonly connections?: number
  /** Of the hand-over. */
  readonly version?: number
  readonly rehearse?: boolean
}

export interface Fault {
  readonly step: string
  readonly name: string
  readonly how: 'throw' | 'reject' | 'hang'
  /** Ends a hang: the step is done then. */
  readonly until?: Promise<unknown>
  /** How often it happens; for ever if it is left out. */
  times?: number
}

export class LiveWorld {
  readonly journal: string[] = []
  /** Every instance that was ever made. */
  readonly made: Live[] = []
  fault: Fault | undefined
  /** Called at every step, before the fault. */
  onStep: (step: string, name: string) => void = () => {}

  /** Instances that were made and not ended. */
  get alive(): readonly Live[] {
    return this.made.filter(({ phase }) => phase !== 'ended')
  }

  /** An entry of a config. @param code counts up when its code changes. */
  entry(
    name: string,
    code: number,
    ways: Ways,
    options: Partial<AnyEntry> & { value?: number; on?: readonly string[]; policies?: readonly string[] } = {},
  ): AnyEntry {
    const { value = 1, on = [], policies = [], ...rest } = options
    const component = this.#component(name, code, ways)
    return {
      component,
      config: { value },
      dependencies: { on, policies },
      startDeadlineMs: 20,
      stopDeadlineMs: 20,
      ...rest,
    }
  }

  readonly #components = new Map<string, AnyComponent>()

  /** One object for each version of the code, as a loader gives. */
  #component(name: string, code: number, ways: Ways): AnyComponent {
    const key = `${name} ${code}`
    const known = this.#components.get(key)
    if (known !== undefined) return known
    const component = this.#make(name, code, ways)
    this.#components.set(key, component)
    return component
  }

  #make(name: string, code: number, ways: Ways): AnyComponent {
    const make = (value: number, dependencies: Wired): Live => {
      const live = new Live(name, code, value, [...dependencies.on, ...dependencies.policies])
      this.made.push(live)
      return live
    }
    const end = (instance: Live): void => {
      instance.phase = 'ended'
    }
    const suspend = {
      suspend: (instance: Live) => this.#wait('suspend', name, () => ({ entries: [...instance.entries] })),
      resume: ({ value }: { value: number }, dependencies: Wired, state: unknown) =>
        this.#wait('resume', name, () => {
          // The predecessor is not stopped any more.
          for (const each of this.made) if (each.name === name) each.phase = 'ended'
          return Object.assign(make(value, dependencies), { phase: 'active' as const, ...(state as object) })
        }),
    }
    return defineComponent({
      provides: (ways.policy === true ? Policy : LiveKind) as typeof LiveKind,
      needs,
      config,
      start: ({ value }: { value: number }, dependencies: Wired) =>
        this.#wait('start', name, () => Object.assign(make(value, dependencies), { phase: 'active' as const })),
      stop: (instance: Live) => {
        end(instance)
        return this.#wait('stop', name, () => undefined)
      },
      ...(ways.suspend === true && suspend),
      ...(ways.connections !== undefined && { connections: () => ({ [name]: ways.connections! }) }),
      ...(ways.adjust === true && { adjust: this.#adjust(name) }),
      ...(ways.handover === true && { handover: this.#handover(name, code, ways, make, end) }),
    } as never) as AnyComponent
  }

  #adjust(name: string): AnyComponent['adjust'] {
    return (instance: Live, { value }: { value: number }, dependencies: Wired) =>
      this.#wait('adjust', name, () => {
        const before = { value: instance.value, dependencies: instance.dependencies }
        return {
          commit: () => {
            Object.assign(instance, { value, dependencies: [...dependencies.on, ...dependencies.policies] })
            this.#step('commit', name)
          },
          undo: () => {
            Object.assign(instance, before)
            this.#step('undo', name)
          },
          done: () => this.#wait('done', name, () => undefined),
          discard: () => this.#wait('discard', name, () => undefined),
        }
      })
  }

  #handover(
    name: string,
    code: number,
    { version = 1, rehearse = false }: Ways,
    make: (value: number, dependencies: Wired) => Live,
    end: (instance: Live) => void,
  ): Handover<typeof needs, typeof config, Live> {
    return {
      format: name,
      version,
      prepare: ({ value }: { value: number }, dependencies: Wired) =>
        this.#wait('prepare', name, () => make(value, dependencies)),
      give: (instance) => {
        this.#step('give', name)
        return { entries: instance.entries, from: instance, version }
      },
      migrate: {
        [version - 1]: (older) => {
          this.#step('migrate', name)
          return { ...(older as object), version }
        },
      },
      ...(rehearse && { rehearse: () => this.#wait('rehearse', name, () => undefined) }),
      take: (instance, state) => {
        const { entries } = state as { entries: string[] }
        this.#step('take', name)
        instance.entries = entries
        instance.phase = 'active'
        entries.push(`taken by ${code}`)
        return () => {
          entries.pop()
          instance.phase = 'passive'
          this.#step('undo', name)
        }
      },
      retire: (instance) => {
        end(instance)
        return this.#wait('retire', name, () => undefined)
      },
      discard: (instance) => {
        end(instance)
        return this.#wait('discard', name, () => undefined)
      },
      census: ({ entries }) => {
        this.#step('census', name)
        return { entries: entries.filter((each) => !each.startsWith('taken')).length }
      },
    }
  }

  #step(step: string, name: string): void {
    this.journal.push(`${step} ${name}`)
    this.onStep(step, name)
    if (this.#fails(step, name)) throw new Error('boom')
  }

  /** A step that may take time. */
  #wait<T>(step: string, name: string, work: () => T): T | Promise<T> {
    const { how, until } = this.fault ?? {}
    if (how === 'throw' || !this.#fails(step, name)) {
      this.#step(step, name)
      return work()
    }
    this.journal.push(`${step} ${name}`)
    if (how === 'reject') return Promise.reject(new Error('boom'))
    return until === undefined ? new Promise(() => {}) : until.then(work)
  }

  #fails(step: string, name: string): boolean {
    const { fault } = this
    if (fault?.step !== step || fault.name !== name || fault.times === 0) return false
    if (fault.times !== undefined) fault.times -= 1
    return true
  }
}

/** What the instances of a system answer, by name. */
export const answersOf = (system: { readonly map: object }): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(system.map as Record<string, Live>).map(([name, live]) => [name, live.answer()]))

export type { AnySystemConfig }
