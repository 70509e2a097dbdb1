/** Creates systems. The public types of a system are exported here as well. */

import { checkConfig } from './check-config.ts'
import { configInvalid } from './config-invalid.ts'
import { Container } from './container.ts'
import type { AnySystemConfig } from './define-system.ts'
import type { System, SystemOptions } from './system.ts'

export type { RefreshOutcome, StartMode, Suspended, SuspendedComponent, System, SystemOptions } from './system.ts'
export type { ComponentState, ComponentStatus, SystemState, SystemView } from './system-view.ts'

/**
 * Checks the config and creates a system from it; starts nothing.
 * @throws SystemError CONFIG_INVALID with every problem of the config.
 */
export const createSystem = <const C>(config: C, options: SystemOptions = {}): System<C> => {
  const { problems, configs } = checkConfig(config)
  if (problems.length > 0) throw configInvalid(problems)
  // The check has established what the types of C promise.
  return new Container(config as AnySystemConfig, configs, options) as unknown as System<C>
}
