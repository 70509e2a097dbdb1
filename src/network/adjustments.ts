import type { Logger } from '../kinds/logger.ts'
import type { ReplaceableLogger } from '../kinds/replaceable-logger.ts'
import type { Adjustment } from '../system/define-system.ts'

/** The adjustment of something that does not change. */
export const NO_ADJUSTMENT: Adjustment = { commit: () => undefined, undo: () => undefined }

/**
 * The adjustment of a component to values that cannot be used, such as a port that is taken. A component whose `adjust` throws would be
 * restarted, and its connections would end; this one makes the whole reset fail and nothing else.
 */
export const refused = (error: unknown): Adjustment => ({
  commit: () => {
    throw error
  },
  undo: () => undefined,
})

/** A part that can be changed: takes over a value. @returns what takes it back. */
export const change = (commit: () => () => void): Adjustment => {
  let undo: (() => void) | undefined
  return {
    commit: () => {
      undo = commit()
    },
    undo: () => undo?.(),
  }
}

/** The change to another logger. */
export const follow = (log: ReplaceableLogger, to: Logger): Adjustment => change(() => log.replace(to))

/**
 * Several adjustments as one. They are committed in their order; if one throws, it and those before it are undone in the reverse order
 * when `undo` is called.
 */
export const inSequence = (...steps: readonly Adjustment[]): Adjustment => {
  let begun = 0
  return {
    commit: () => {
      for (const step of steps) {
        begun += 1
        step.commit()
      }
    },
    undo: () => {
      // Those that were not begun.
      void forAll(steps.slice(begun), (step) => step.discard?.()).catch(() => undefined)
      const failures: unknown[] = []
      for (; begun > 0; begun -= 1) {
        try {
          steps[begun - 1]!.undo()
        } catch (error) {
          failures.push(error)
        }
      }
      throwAll(failures)
    },
    done: () => forAll(steps, (step) => step.done?.()),
    discard: () => forAll(steps, (step) => step.discard?.()),
  }
}

const forAll = async (steps: readonly Adjustment[], act: (step: Adjustment) => unknown): Promise<void> => {
  const results = await Promise.allSettled(steps.map(async (step) => act(step)))
  throwAll(results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : [])))
}

const throwAll = (failures: readonly unknown[]): void => {
  if (failures.length === 1) throw failures[0]
  if (failures.length > 1) throw new AggregateError(failures, 'An adjustment could not be finished.')
}
