import { type Change, cutOver, type PreparedSwap, type Side, stateFor } from '../../src/system/cut-over.ts'
import type { AnyComponent } from '../../src/system/define-system.ts'
import { lifecycleContext } from './lifecycle-context.ts'

/** Prepares a successor of an instance, as a reset does it. */
export const prepareSwap = async (
  name: string,
  from: Side,
  component: AnyComponent,
  config: unknown,
  dependencies: object,
): Promise<PreparedSwap> => {
  const handover = component.handover!
  const instance = await handover.prepare(config, dependencies as never, lifecycleContext(name))
  const swap = { name, from, to: { component, instance } }
  try {
    await handover.rehearse?.(instance as never, stateFor(swap))
  } catch (error) {
    await discard(swap)
    throw error
  }
  return swap
}

/**
 * Applies changes as a reset does it: all of them in one turn of the event loop, and what ends after it.
 * @param running what is settled before. @throws SystemError of a step, after all of them were undone.
 */
export const applyChanges = async (
  changes: readonly Change[],
  running: Readonly<Record<string, unknown>>,
): Promise<void> => {
  const applied = await new Promise((resolve) => {
    setImmediate(() => {
      try {
        cutOver(changes, new Map(Object.entries(running)), new Map())
        resolve(undefined)
      } catch (error) {
        resolve(error)
      }
    })
  })
  for (const change of changes) {
    if (applied !== undefined) await discard(change)
    else if (change.adjustment !== undefined) await change.adjustment.done?.()
    else await change.from.component.handover!.retire(change.from.instance as never)
  }
  if (applied !== undefined) throw applied
}

const discard = async (change: Change): Promise<void> => {
  if (change.adjustment !== undefined) return change.adjustment.discard?.()
  const { component, instance } = change.to
  const handover = component.handover!
  await (handover.discard ?? handover.retire)(instance as never)
}
