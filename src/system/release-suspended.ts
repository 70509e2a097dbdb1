import type { SuspendedComponent } from './system.ts'
import type { SystemError } from './system-error.ts'

/** Releases suspended components one after the other, except those that were claimed or released before. @returns the errors. */
export const releaseSuspended = async (
  components: Iterable<readonly [string, SuspendedComponent]>,
): Promise<SystemError[]> => {
  const errors: SystemError[] = []
  for (const [, component] of components) await component.release().catch((error: SystemError) => errors.push(error))
  return errors
}
