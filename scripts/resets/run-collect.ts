import { Progress } from '../../src/terminal/progress.ts'
import { randomFrom } from '../crash/random.ts'
import { BrokerProcess } from './broker-process.ts'
import { CheckoutCopy } from './checkout-copy.ts'
import type { ResetOptions } from './command-line.ts'
import { editsFor } from './edits.ts'
import type { Look, StoreName } from './protocol.ts'
import { runEdits } from './run-edits.ts'

/** Resets before the first measurement: the engine compiles and caches meanwhile. */
const warmUpResets = 20
/** What one reset may leave behind: the loader keeps a record of each version of a module. */
const maximumHeapBytesPerReset = 50_000

/** Resets in a row without clients, with one store. Prints what is left of former generations. @returns the faults. */
export const runCollect = async (
  checkout: string,
  store: StoreName,
  options: ResetOptions,
): Promise<readonly string[]> => {
  const chosen = editsFor(options.edits, store)
  if (chosen.length === 0) return []
  const progress = new Progress(process.stderr)
  const copy = await CheckoutCopy.make(checkout, store)
  const broker = await BrokerProcess.start(copy)
  const random = randomFrom(options.seed)
  const run = (resets: number, before: number) =>
    runEdits({
      ...{ copy, broker, random, resets, before, pauseMs: 0, hasTraffic: false, failing: true, connections: 0 },
      edits: chosen,
      onReset: (done, faults) => progress.show(() => `${before + done} of ${options.resets} resets, ${faults} faults`),
    })
  try {
    const first = await run(Math.min(warmUpResets, options.resets), 0)
    const begin = await broker.look({ collect: true })
    const resets = Math.max(0, options.resets - warmUpResets)
    const second = await run(resets, warmUpResets)
    const end = await broker.look({ collect: true })
    progress.clear()
    const growth = (end.heapBytes - begin.heapBytes) / Math.max(1, resets)
    console.log(`\n${options.resets} resets, ${store} store, seed ${options.seed}`)
    console.log(
      `  heap                 ${mb(begin)} after ${warmUpResets}, ${mb(end)} at the end: ${kb(growth)} a reset`,
    )
    console.log(`  handles              ${handles(begin)} → ${handles(end)}`)
    console.log(`  former instances     ${namesOf(end.former) || 'all collected'}`)
    const faults = [...first.faults, ...second.faults]
    if (growth > maximumHeapBytesPerReset) faults.push(`the heap grew by ${kb(growth)} a reset`)
    if (total(end) > total(begin)) faults.push(`the handles grew: ${handles(begin)} → ${handles(end)}`)
    if (namesOf(end.former) !== '') faults.push(`former instances were not collected: ${namesOf(end.former)}`)
    return faults.map((fault) => `${store}: ${fault}`)
  } finally {
    progress.clear()
    await broker.stop()
    copy.remove()
  }
}

const mb = ({ heapBytes }: Look): string => `${(heapBytes / 1e6).toFixed(1)} MB`
const kb = (bytes: number): string => `${(bytes / 1e3).toFixed(1)} kB`
const total = ({ handles }: Look): number => Object.values(handles).reduce((sum, count) => sum + count, 0)
const namesOf = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ')
const handles = (look: Look): string => namesOf(look.handles) || 'none'
