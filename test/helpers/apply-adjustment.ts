import type { Adjustment } from '../../src/system/define-system.ts'

/**
 * Applies adjustments as a reset does it: all of them in one turn of the event loop, and `done` after it.
 * @param settle called before, in the same turn.
 * @throws what an adjustment throws, after all of them were undone.
 */
export const applyAdjustments = async (adjustments: readonly Adjustment[], settle: () => void): Promise<void> => {
  await new Promise<void>((resolve, reject) => {
    setImmediate(() => {
      try {
        cutOver(adjustments, settle)
        resolve()
      } catch (error) {
        reject(error)
      }
    })
  })
  for (const adjustment of adjustments) await adjustment.done?.()
}

const cutOver = (adjustments: readonly Adjustment[], settle: () => void): void => {
  settle()
  const begun: Adjustment[] = []
  try {
    for (const adjustment of adjustments) {
      begun.push(adjustment)
      adjustment.commit()
    }
  } catch (error) {
    for (const adjustment of begun.reverse()) adjustment.undo()
    throw error
  }
}
