/** Saves one edit after the other in a copy, resets its broker, and checks what came of it. */

import { setTimeout as sleep } from 'node:timers/promises'
import type { BrokerProcess } from './broker-process.ts'
import type { CheckoutCopy } from './checkout-copy.ts'
import { type Edit, editText, faultFor, markOf } from './edits.ts'
import type { Fault } from './fault-points.ts'
import type { Applied, Look, ResetResult } from './protocol.ts'

/** What is done with an edit. */
export type Intent = 'apply' | 'fault' | 'syntax-error' | 'wrong-value'

export interface ResetRecord {
  readonly edit: string
  readonly intent: Intent
  readonly result: ResetResult
  readonly look: Look
}

export interface EditRun {
  readonly copy: CheckoutCopy
  readonly broker: BrokerProcess
  readonly edits: readonly Edit[]
  readonly resets: number
  /** Resets of this broker before: each edit has a number of its own, since one that is made twice changes nothing. */
  readonly before?: number
  /** From 0 to 1. */
  readonly random: () => number
  /** How many connections must be there, after each reset. */
  readonly connections: number
  /** Whether messages flow, so that edited code runs. */
  readonly hasTraffic: boolean
  /** Whether a third of the resets is made to fail. */
  readonly failing: boolean
  /** Pauses between resets, at most so long. */
  readonly pauseMs: number
  readonly onReset: (done: number, faults: number) => void
}

/** How long edited code may take to run for the first time. */
const markDeadlineMs = 10_000

/** @returns what was done, and the faults as sentences. */
export const runEdits = async (
  run: EditRun,
): Promise<{ readonly records: readonly ResetRecord[]; readonly faults: readonly string[] }> => {
  const records: ResetRecord[] = []
  const faults: string[] = []
  let { connections } = run
  const { before = 0 } = run
  for (let round = before + 1; round <= before + run.resets; round += 1) {
    const edit = run.edits[Math.floor(run.random() * run.edits.length)]!
    const intent = run.failing ? intentOf(run.random()) : 'apply'
    const where = `reset ${round} (${edit.name}, ${intent})`
    const result = await saveAndReset(run, edit, intent, round, faults, where)
    const look = await run.broker.look()
    records.push({ edit: edit.name, intent, result, look })
    if (run.connections > 0 && look.connections !== connections) {
      faults.push(`${where}: ${look.connections} connections are open, ${connections} were; ${restartsIn(result)}`)
      connections = look.connections
      // Nothing shows any more what the next resets do.
      if (connections === 0) break
    }
    run.onReset(round - before, faults.length)
    await sleep(run.pauseMs * run.random())
  }
  return { records, faults }
}

/** A third fails. */
const intentOf = (random: number): Intent => {
  if (random < 0.25) return 'fault'
  if (random < 0.3) return 'syntax-error'
  return random < 0.33 ? 'wrong-value' : 'apply'
}

const saveAndReset = async (
  run: EditRun,
  edit: Edit,
  intent: Intent,
  round: number,
  faults: string[],
  where: string,
): Promise<ResetResult> => {
  const { copy, broker } = run
  const fault = intent === 'fault' ? faultFor(edit, run.random, run.connections) : undefined
  const restore = save(copy, edit, intent, round)
  const result = await broker.reset(fault)
  const what = problemsOf(edit, intent, fault, result)
  if (intent !== 'apply') restore()
  else if (result.applied === undefined) restore()
  else if (edit.body !== undefined && run.hasTraffic && !(await runsNow(broker, edit, round))) {
    what.push('the edited code does not run')
  }
  faults.push(...what.map((each) => `${where}: ${each}`))
  return result
}

/** Saves the edit. @returns restores what was there. */
const save = (copy: CheckoutCopy, edit: Edit, intent: Intent, round: number): (() => void) => {
  const { values } = copy
  const restoreValues = () => copy.restoreValues(values)
  if (intent === 'wrong-value') {
    copy.setValues({ server: { maximumConnections: 'many' } })
    return restoreValues
  }
  if (edit.file === undefined && intent !== 'syntax-error') {
    copy.setValues(edit.values?.(round, values) ?? {})
    return restoreValues
  }
  const file = edit.file ?? 'components/mqtt-handler/pingreq.ts'
  const before = copy.read(file)
  const text =
    intent === 'syntax-error' ? `${before}\nexport const = ${round}\n` : editText(edit, copy.original(file), round)
  copy.write(file, text)
  return () => copy.write(file, before)
}

const problemsOf = (edit: Edit, intent: Intent, fault: Fault | undefined, result: ResetResult): string[] => {
  const { applied, failed } = result
  const problems: string[] = []
  if (fault !== undefined && !result.fired && isExpected(fault, applied)) {
    problems.push(`the fault was not made: ${fault.step} ${fault.call} of ${fault.component}`)
  }
  const code = {
    apply: undefined,
    fault: 'RESET_FAILED',
    'syntax-error': 'LOAD_FAILED',
    'wrong-value': 'CONFIG_INVALID',
  }[intent]
  if (failed !== undefined && failed.code !== code) problems.push(`${failed.code}: ${failed.message}`)
  problems.push(...(failed?.undoErrors ?? []).map((error) => `not undone: ${error}`))
  if (applied === undefined) return problems
  if (code !== undefined && (fault === undefined || result.fired)) problems.push('it was applied')
  problems.push(...applied.errors)
  if (applied.closed > 0) problems.push(`it closed ${applied.closed} connections: ${restartsIn(result)}`)
  if (intent === 'apply' && [undefined, 'keep'].includes(applied.verdicts[edit.changes])) {
    problems.push(`${edit.changes} was kept`)
  }
  return problems
}

/**
 * Whether the reset came to the step of the fault. A file that was restored after a failed reset is loaded again with the next one, so a
 * component that the edit would adjust is swapped then, and has no `commit`.
 */
const isExpected = ({ component, step }: Fault, applied: Applied | undefined): boolean =>
  applied === undefined || step === 'open' || applied.verdicts[component] === (step === 'commit' ? 'adjust' : 'swap')

/** What a reset restarted, for a fault that may come of it. */
const restartsIn = ({ applied, failed }: ResetResult): string => {
  if (applied === undefined) return failed?.message ?? ''
  return applied.restarts.length === 0 ? 'nothing was restarted' : `restarted: ${applied.restarts.join('; ')}`
}

/** Whether the edited code has run. It notes the number of its edit. */
const runsNow = async (broker: BrokerProcess, edit: Edit, round: number): Promise<boolean> => {
  for (const deadline = performance.now() + markDeadlineMs; performance.now() < deadline; await sleep(20)) {
    if ((await broker.look()).marks[markOf(edit)] === round) return true
  }
  return false
}
