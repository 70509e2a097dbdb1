import { setTimeout as sleep } from 'node:timers/promises'
import { Child } from '../../bench/brokers/child.ts'
import { askProcess } from '../floods/ask-process.ts'
import type { AttackReport } from '../floods/messages.ts'
import type { Attack } from './attack.ts'
import { Broker, boundedBytes } from './broker.ts'
import { type Measured, unreleased } from './judge.ts'
import type { AttackJob, CrowdReport, CrowdRequest, Holdings } from './messages.ts'

/** Well-behaved clients. */
const CLIENTS = 100
/** How long the processes may take beyond the time of the attack, in milliseconds. */
const DEADLINE_MS = 180_000
/** How long the broker may take until it holds nothing of the attack any more, in milliseconds: more than all deadlines of it. */
const RELEASE_DEADLINE_MS = 30_000
const RELEASE_POLL_MS = 250
/** After this time no ping waits any more that the broker has not answered while it collected its garbage, in milliseconds. */
const QUIET_MS = 1_000
/** What a connection may need besides what is counted, with TLS, in bytes. */
const CONNECTION_BYTES = 64 * 1024
/** What the garbage collector may leave for later, in bytes: one size of the young and old generation beyond what is in use. */
const GARBAGE_BYTES = 128 * 1024 ** 2

export interface AttackOptions {
  readonly attack: Attack
  readonly attackers: number
  readonly seconds: number
  readonly scale: number
  readonly root: string
  /** The compiled programs: `crowd.mjs`, `attacker.mjs`, `probe.mjs`. */
  readonly folder: string
}

/**
 * Starts a broker, connects the well-behaved clients, attacks, and looks at what is left. Stops all processes.
 * @throws Error when one of them fails.
 */
export const runAttack = async (options: AttackOptions): Promise<Measured> => {
  const broker = await Broker.start(options.root, options.folder)
  const crowd = started('the well-behaved clients', options, 'crowd')
  const attackers = started('the attackers', options, 'attacker')
  try {
    return await measure(broker, crowd, attackers, options)
  } catch (error) {
    throw broker.crash === undefined ? error : new Error(broker.crash, { cause: error })
  } finally {
    await Promise.all([crowd.stop(), attackers.stop()])
    await broker.stop()
  }
}

const started = (name: string, { folder }: AttackOptions, program: string): Child =>
  new Child(name, process.execPath, [`${folder}/${program}.mjs`], { ipc: true })

const measure = async (broker: Broker, crowd: Child, attackers: Child, options: AttackOptions): Promise<Measured> => {
  const { attack, attackers: count, seconds, scale } = options
  const { targets } = broker
  await ask(crowd, { type: 'connect', targets, clients: CLIENTS })
  // The engine compiles meanwhile what these clients need.
  await sleep(seconds * 1000)
  await figures(crowd)
  await sleep(seconds * 1000)
  const undisturbed = await figures(crowd)
  const before = await broker.holdings()
  const startBytes = broker.peakBytes ?? 0
  const job: AttackJob = { attack: attack.name, targets, attackers: count, seconds, scale }
  await sleep(QUIET_MS)
  await figures(crowd)
  await askProcess<AttackReport>(attackers, job, DEADLINE_MS)
  const report = await askProcess<AttackReport>(attackers, {}, seconds * 1000 + DEADLINE_MS)
  if (report.type !== 'finished') throw new Error('the attackers gave no result')
  const attacked = await figures(crowd)
  await attackers.stop()
  const peakBytes = broker.peakBytes
  const result = await ask(crowd, { type: 'settle' })
  if (result.type !== 'settled') throw new Error('the well-behaved clients gave no result')
  return {
    ...{ undisturbed, attacked, crowd: result, before, after: await released(broker, before), peakBytes },
    boundBytes: startBytes + boundedBytes + count * CONNECTION_BYTES + GARBAGE_BYTES,
    outcome: report.outcome,
  }
}

/** Waits until the broker holds no more than before. @returns what it holds, also when that takes too long. */
const released = async (broker: Broker, before: Holdings): Promise<Holdings> => {
  const deadline = performance.now() + RELEASE_DEADLINE_MS
  for (;;) {
    const now = await broker.holdings()
    if (unreleased(before, now).length === 0 || performance.now() > deadline) return now
    await sleep(RELEASE_POLL_MS)
  }
}

const figures = async (crowd: Child) => {
  const report = await ask(crowd, { type: 'figures' })
  if (report.type !== 'figures') throw new Error('the well-behaved clients gave no figures')
  return report
}

const ask = (crowd: Child, request: CrowdRequest): Promise<CrowdReport> =>
  askProcess<CrowdReport>(crowd, request, DEADLINE_MS)
