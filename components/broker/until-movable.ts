import { setTimeout as wait } from 'node:timers/promises'
import type { LifecycleContext } from '../../src/system/define-system.ts'

/** How often it is looked, in milliseconds. */
const INTERVAL_MS = 5

/** Names of the measures of what a broker cannot hand over; see `BrokerCore.handOver`. Each ends by itself. */
export const UNMOVABLE = { dividing: 'dividing', restoring: 'restoring' } as const

/**
 * Resolves when the broker that runs can be handed over, as far as its measures say: what prepares a successor knows nothing else of it.
 * What begins after that, and lasts into the turn of the reset, makes the reset fail.
 * @throws the reason of the signal, which is aborted when the deadline of the start is over.
 */
export const untilMovable = async ({ name, measures, signal }: LifecycleContext): Promise<void> => {
  const unmovable = measures().filter(
    ({ component, measure }) => component === name && Object.hasOwn(UNMOVABLE, measure.name),
  )
  await untilDone(() => unmovable.every(({ measure }) => measure.read() === 0), signal)
}

/** Resolves when the check is true. @throws the reason of the signal. */
export const untilDone = async (isDone: () => boolean, signal: AbortSignal): Promise<void> => {
  while (!isDone()) await wait(INTERVAL_MS, undefined, { signal })
}
