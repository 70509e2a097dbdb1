import type { Generation } from './generation.ts'
import type { RefreshOutcome } from './system.ts'

/** Calls `refresh` of the components that run, one after the other: a component is not called twice at the same time. */
export const refreshParts = async (generation: Generation): Promise<readonly RefreshOutcome[]> => {
  const outcomes: RefreshOutcome[] = []
  for (const name of generation.order) {
    const part = generation.parts.get(name)!
    // The system may be stopped meanwhile.
    if (generation.state !== 'running' || part.state !== 'running' || part.component.refresh === undefined) continue
    outcomes.push(await part.refresh(generation.instanceOf(name)))
  }
  return outcomes
}
