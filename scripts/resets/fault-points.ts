/** Components that fail at a chosen step of a reset. It is loaded by the broker process and, again, with the config that it runs. */

import type { AnyComponent } from '../../src/system/define-system.ts'

/** The steps of a reset that can be made to fail. */
export type FaultStep = 'prepare' | 'give' | 'take' | 'open' | 'commit'

export interface Fault {
  /** The name of the entry. */
  readonly component: string
  readonly step: FaultStep
  /** Which call fails, from 1. A commit counts twice: before its work and after it. A give counts in the rehearsal as well. */
  readonly call: number
}

interface ArmedFault extends Fault {
  calls: number
  fired: boolean
}

interface Points {
  armed: ArmedFault | undefined
  /** By component: an unchanged component stays the same object for the plan of a reset. */
  readonly wrapped: WeakMap<object, AnyComponent>
}

/** The same for all modules of the process, however often they are loaded. */
const points = (): Points => {
  const place = globalThis as { [key: symbol]: Points | undefined }
  const key = Symbol.for('mqtt-jig.resets.fault-points')
  place[key] ??= { armed: undefined, wrapped: new WeakMap() }
  return place[key]
}

/** The next call of this step fails. @param fault undefined disarms. */
export const arm = (fault: Fault | undefined): void => {
  points().armed = fault === undefined ? undefined : { ...fault, calls: 0, fired: false }
}

/** Whether the fault that was armed last has been made. */
export const hasFired = (): boolean => points().armed?.fired ?? false

const strike = (component: string, step: FaultStep): void => {
  const { armed } = points()
  if (armed === undefined || armed.fired || armed.component !== component || armed.step !== step) return
  armed.calls += 1
  if (armed.calls !== armed.call) return
  armed.fired = true
  throw new Error(`a fault was injected: ${step} ${armed.call} of ${component}`)
}

/** The component with fault points. The same object for the same component. */
export const withFaultPoints = <C>(name: string, given: C): C => {
  const component = given as AnyComponent
  const { wrapped } = points()
  const made = wrapped.get(component) ?? wrap(name, component)
  wrapped.set(component, made)
  return made as C
}

const wrap = (name: string, component: AnyComponent): AnyComponent => {
  const { start, adjust, handover } = component
  return {
    ...component,
    start: async (...parts: Parameters<typeof start>) => watchOpen(name, await start(...parts)),
    ...(adjust !== undefined && {
      adjust: async (...parts: Parameters<typeof adjust>) => {
        const adjustment = await adjust(...parts)
        return {
          commit: () => {
            strike(name, 'commit')
            adjustment.commit()
            strike(name, 'commit')
          },
          undo: () => adjustment.undo(),
          done: () => adjustment.done?.(),
          discard: () => adjustment.discard?.(),
        }
      },
    }),
    ...(handover !== undefined && {
      handover: {
        ...handover,
        prepare: async (...parts: Parameters<typeof handover.prepare>) => {
          strike(name, 'prepare')
          return watchOpen(name, await handover.prepare(...parts))
        },
        give: (instance: unknown) => {
          strike(name, 'give')
          return handover.give(instance)
        },
        take: (instance: unknown, state: unknown) => {
          strike(name, 'take')
          // After an edit of it that failed and was taken back, a component is swapped where it would be adjusted.
          for (let call = 1; call <= 2; call += 1) strike(name, 'commit')
          return handover.take(instance, state)
        },
      },
    }),
  }
}

/** Lets the stage of a pipeline fail when it is opened. */
const watchOpen = (name: string, instance: unknown): unknown => {
  const stage = instance as { open?: (...parts: unknown[]) => unknown }
  const { open } = stage
  if (typeof open === 'function') {
    stage.open = (...parts) => {
      strike(name, 'open')
      return open.apply(stage, parts)
    }
  }
  return instance
}
