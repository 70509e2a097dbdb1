import { Progress } from '../../src/terminal/progress.ts'
import { randomFrom } from '../crash/random.ts'
import { BrokerProcess } from './broker-process.ts'
import { CheckoutCopy } from './checkout-copy.ts'
import type { ResetOptions } from './command-line.ts'
import { editsFor } from './edits.ts'
import { LoadProcesses } from './load-processes.ts'
import type { StoreName } from './protocol.ts'
import { loadFaults, loadLines, resetLines } from './report.ts'
import { runEdits } from './run-edits.ts'

/** A pause between two resets, at most. */
const pauseMs = 300

/** Resets under load, with one store. Prints the result. @returns the faults. */
export const runLoad = async (
  checkout: string,
  store: StoreName,
  options: ResetOptions,
): Promise<readonly string[]> => {
  const chosen = editsFor(options.edits, store)
  if (chosen.length === 0) return []
  const progress = new Progress(process.stderr)
  const copy = await CheckoutCopy.make(checkout, store)
  const broker = await BrokerProcess.start(copy)
  let load: LoadProcesses | undefined
  try {
    load = await LoadProcesses.begin(broker.ports, options.clients, options.rate)
    const begun = load
    const { records, faults } = await runEdits({
      ...{ copy, broker, pauseMs, hasTraffic: true, failing: true, resets: options.resets, connections: load.clients },
      edits: chosen,
      random: randomFrom(options.seed),
      onReset: (done, count) =>
        progress.show(() => {
          const { published, faults: known } = begun.progress
          return `${store}: ${done} of ${options.resets} resets, ${published} messages published, ${count + known} faults`
        }),
    })
    const loads = await load.finish()
    progress.clear()
    console.log(`\n${load.clients} clients, ${store} store, seed ${options.seed}`)
    for (const line of [...resetLines(records), ...loadLines(loads, records)]) console.log(`  ${line}`)
    return [...faults, ...loadFaults(loads)].map((fault) => `${store}: ${fault}`)
  } finally {
    progress.clear()
    await load?.stop()
    await broker.stop()
    copy.remove()
  }
}
