/** What every process of attackers does: takes one job from the runner, prepares, attacks on request, and ends. */

import { setTimeout as sleep } from 'node:timers/promises'
import { inParallel } from '../../bench/generator/in-parallel.ts'
import type { Assault, Outcome } from './attack.ts'
import { CutOff } from './flood-client.ts'
import type { AttackReport } from './messages.ts'

/** How many clients prepare at the same time. */
const concurrency = 50

/** The clock of an attack. */
export interface Clock {
  /** Whether the time of the attack is over. It begins when the assault does. */
  readonly isOver: () => boolean
}

/**
 * Waits for the job of this process, and does it.
 * @param prepare prepares the attack of the job.
 */
export const attackProcess = <J extends { readonly seconds: number }>(
  prepare: (job: J, clock: Clock) => Promise<Assault>,
): void => {
  process.once('message', async (job: J) => {
    try {
      await tell({ type: 'finished', outcome: await run(job, prepare) })
    } catch (error) {
      await tell({ type: 'failed', reason: error instanceof Error ? error.message : String(error) })
    }
    process.exit(0)
  })
  // The runner has ended.
  process.once('disconnect', () => process.exit(1))
}

/** Calls a function for each number from 0, some dozens at the same time. */
export const each = async <T>(count: number, act: (index: number) => Promise<T>): Promise<T[]> => {
  const results: T[] = new Array(count)
  await inParallel(results, concurrency, async (_, index) => {
    results[index] = await act(index)
  })
  return results
}

const run = async <J extends { readonly seconds: number }>(
  job: J,
  prepare: (job: J, clock: Clock) => Promise<Assault>,
): Promise<Outcome> => {
  let endMs = Number.POSITIVE_INFINITY
  const assault = await prepare(job, { isOver: () => performance.now() >= endMs }).catch(cutOff)
  const begin = new Promise((resolve) => process.once('message', resolve))
  await tell({ type: 'prepared' })
  await begin
  endMs = performance.now() + job.seconds * 1000
  const outcome = await assault().catch(async (error) => cutOff(error)())
  const restMs = endMs - performance.now()
  if (restMs > 0) await sleep(restMs)
  return outcome
}

/** An attack that ends when the broker closes an attacker's connection. @throws any other error. */
const cutOff = (error: unknown): Assault => {
  if (!(error instanceof CutOff)) throw error
  return async () => ({ 'attacks ended by the broker': 1 })
}

const tell = (report: AttackReport): Promise<void> =>
  new Promise((resolve) => {
    process.send?.(report, () => resolve())
  })
