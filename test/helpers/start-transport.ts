import type { z } from 'zod'
import type { LifecycleContext } from '../../src/system/define-system.ts'
import { lifecycleContext } from './lifecycle-context.ts'
import { RecordingLogger } from './recording-logger.ts'

interface TransportComponent<C extends z.ZodType, T> {
  readonly config: C
  start(
    config: z.output<C>,
    dependencies: { readonly logger: RecordingLogger },
    context: LifecycleContext,
  ): Promise<T> | T
}

/** Starts the component of a transport alone, under the name `tested`. */
export const startTransport = async <C extends z.ZodType, T>(
  component: TransportComponent<C, T>,
  config: z.input<C>,
): Promise<{ readonly transport: T; readonly log: RecordingLogger }> => {
  const log = new RecordingLogger()
  const context = lifecycleContext('tested')
  return { transport: await component.start(component.config.parse(config), { logger: log }, context), log }
}
