/** The process of the attackers: takes one job from the runner, prepares, attacks on request, and ends. */

import { setTimeout as sleep } from 'node:timers/promises'
import { inParallel } from '../../bench/generator/in-parallel.ts'
import type { Assault, Outcome, Scene } from './attack.ts'
import { attacks } from './attacks.ts'
import { CutOff, FloodClient } from './flood-client.ts'
import type { AttackJob, AttackReport } from './messages.ts'

/** How many clients prepare at the same time. */
const concurrency = 50

const tell = (report: AttackReport): Promise<void> =>
  new Promise((resolve) => {
    process.send?.(report, () => resolve())
  })

const each = async <T>(count: number, act: (index: number) => Promise<T>): Promise<T[]> => {
  const results: T[] = new Array(count)
  await inParallel(results, concurrency, async (_, index) => {
    results[index] = await act(index)
  })
  return results
}

/** An attack that ends when the broker closes an attacker's connection. @throws any other error. */
const cutOff = (error: unknown): Assault => {
  if (!(error instanceof CutOff)) throw error
  return async () => ({ 'attacks ended by the broker': 1 })
}

const run = async ({ attack: name, port, attackers, seconds, scale }: AttackJob): Promise<Outcome> => {
  const attack = attacks.find((other) => other.name === name)
  if (attack === undefined) throw new Error(`There is no attack '${name}'.`)
  let endMs = Number.POSITIVE_INFINITY
  const scene: Scene = {
    ...{ port, attackers, each },
    scaled: (count) => Math.max(1, Math.round(count * scale)),
    isOver: () => performance.now() >= endMs,
    clients: () => each(attackers, () => FloodClient.connect(port)),
  }
  const assault = await attack.prepare(scene).catch(cutOff)
  const begin = new Promise((resolve) => process.once('message', resolve))
  await tell({ type: 'prepared' })
  await begin
  const lengthMs = seconds * 1000
  endMs = performance.now() + lengthMs
  const outcome = await assault().catch(async (error) => cutOff(error)())
  const restMs = endMs - performance.now()
  if (restMs > 0) await sleep(restMs)
  return outcome
}

process.once('message', async (job: AttackJob) => {
  try {
    await tell({ type: 'finished', outcome: await run(job) })
  } catch (error) {
    await tell({ type: 'failed', reason: error instanceof Error ? error.message : String(error) })
  }
  process.exit(0)
})
// The runner has ended.
process.once('disconnect', () => process.exit(1))
