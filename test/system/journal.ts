/** Components for tests of the container, which write down what is done to them. */
import { z } from 'zod'
import { type AnyEntry, type AnySystemConfig, type Component, defineComponent } from '../../src/system/define-system.ts'
import { type AnyKind, kind, many } from '../../src/system/kind.ts'
import { createSystem, type System, type SystemOptions } from '../../src/system/lifecycle.ts'
import type { SystemError } from '../../src/system/system-error.ts'

export interface Thing {
  readonly name: string
}
export const Thing = kind<Thing>()('Thing')

const noConfig = z.object({})
type ThingComponent = Component<typeof Thing, { on: ReturnType<typeof many<typeof Thing>> }, z.ZodObject>
export type Behaviour = Partial<Pick<ThingComponent, 'start' | 'stop' | 'suspend' | 'resume'>> &
  Omit<Partial<AnyEntry>, 'component' | 'config' | 'dependencies'> & { readonly provides?: AnyKind }

/** `start a`, `stop a` and so on, in the order in which they were called. */
export type Journal = string[]

/** A system of things: each name with what it depends on, and what the odd ones do. */
export const thingsConfig = (
  graph: Readonly<Record<string, readonly string[]>>,
  behaviours: Readonly<Record<string, Behaviour>> = {},
  journal: Journal = [],
): AnySystemConfig =>
  Object.fromEntries(
    Object.entries(graph).map(([name, on]): [string, AnyEntry] => {
      const { provides, start, stop, suspend, resume, ...options } = behaviours[name] ?? {}
      const component = defineComponent({
        provides: (provides ?? Thing) as typeof Thing,
        needs: { on: many(Thing) },
        config: noConfig,
        start: (config, dependencies, context) => {
          journal.push(`start ${name}`)
          return start === undefined ? { name } : start(config, dependencies, context)
        },
        stop: (instance, context) => {
          journal.push(`stop ${name}`)
          return stop?.(instance, context)
        },
        ...(suspend !== undefined && {
          suspend: (instance: Thing, context) => {
            journal.push(`suspend ${name}`)
            return suspend(instance, context)
          },
        }),
        ...(resume !== undefined && {
          resume: (config, dependencies, suspended, context) => {
            journal.push(`resume ${name}`)
            return resume(config, dependencies, suspended, context)
          },
        }),
      } satisfies ThingComponent)
      return [name, { component, dependencies: { on }, ...options }]
    }),
  )

export const things = (
  graph: Readonly<Record<string, readonly string[]>>,
  behaviours: Readonly<Record<string, Behaviour>> = {},
  options: SystemOptions = {},
): { readonly system: System<AnySystemConfig>; readonly journal: Journal } => {
  const journal: Journal = []
  return { system: createSystem(thingsConfig(graph, behaviours, journal), options), journal }
}

/** `{ a: 'running', b: 'stopped' }` */
export const statesOf = (system: System<AnySystemConfig>): Record<string, string> =>
  Object.fromEntries(system.status().map(({ name, state }) => [name, state]))

/** A promise and what settles it. */
export const deferred = <T>(): {
  promise: Promise<T>
  resolve: (value: T) => void
  reject: (error: unknown) => void
} => {
  let resolve!: (value: T) => void
  let reject!: (error: unknown) => void
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve
    reject = onReject
  })
  return { promise, resolve, reject }
}

/** Rejects as Node's own functions do when the signal is aborted; never resolves. */
export const untilAborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))

/** The error that a promise must reject with. */
export const failure = (promise: Promise<unknown>): Promise<SystemError> =>
  promise.then(
    () => Promise.reject(new Error('it should have been rejected')),
    (error: SystemError) => error,
  )

export const boom = (): never => {
  throw new Error('boom')
}

/** Lets everything happen that waits for nothing but promises. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
