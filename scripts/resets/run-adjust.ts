import { setTimeout as sleep } from 'node:timers/promises'
import { Progress } from '../../src/terminal/progress.ts'
import { randomFrom } from '../crash/random.ts'
import { BrokerProcess } from './broker-process.ts'
import { CheckoutCopy } from './checkout-copy.ts'
import type { ResetOptions } from './command-line.ts'
import { edits } from './edits.ts'
import type { Look } from './protocol.ts'
import { percentile, resetLines } from './report.ts'
import { runEdits } from './run-edits.ts'

const wantedMs = 10

/** The edits of values alone, without the listeners that such a system does not have. */
const adjusting = edits.filter(({ file, changes }) => file === undefined && changes !== 'tls')

/** How long no client may become connected before it is taken that no further one will. */
const stallMs = 10_000

const allConnected = async (broker: BrokerProcess, wanted: number): Promise<Look> => {
  let look = await broker.crowd(wanted)
  for (let lastMs = performance.now(); look.sessions < wanted && performance.now() - lastMs < stallMs; ) {
    await sleep(100)
    const next = await broker.look()
    if (next.sessions > look.sessions) lastMs = performance.now()
    look = next
  }
  return look
}

/** Changes values of the config under many sessions without sockets. Prints the result. @returns the faults. */
export const runAdjust = async (checkout: string, options: ResetOptions): Promise<readonly string[]> => {
  const progress = new Progress(process.stderr)
  const copy = await CheckoutCopy.make(checkout, 'none')
  const broker = await BrokerProcess.start(copy)
  try {
    progress.show(() => `connecting ${options.sessions} clients`)
    const { connections, sessions } = await allConnected(broker, options.sessions)
    const faults: string[] = []
    if (sessions < options.sessions) faults.push(`only ${sessions} of ${options.sessions} clients have a session`)
    const run = await runEdits({
      ...{ copy, broker, pauseMs: 20, hasTraffic: false, resets: options.resets, connections },
      edits: adjusting.filter(({ name }) => options.edits.includes(name)),
      random: randomFrom(options.seed),
      failing: false,
      onReset: (done, count) => progress.show(() => `${done} of ${options.resets} changes, ${count} faults`),
    })
    progress.clear()
    console.log(`\n${sessions} sessions, ${connections} connections without sockets`)
    for (const line of resetLines(run.records)) console.log(`  ${line}`)
    const p50 = percentile(
      run.records.flatMap(({ result }) => result.applied?.cutOverMs ?? []),
      50,
    )
    console.log(`  wanted                  cut-over p50 at most ${wantedMs} ms: ${p50 <= wantedMs ? 'yes' : 'NO'}`)
    return [...faults, ...run.faults]
  } finally {
    progress.clear()
    await broker.stop()
    copy.remove()
  }
}
