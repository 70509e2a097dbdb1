/** `npm run bench:store`: measures the start over a large store, and a message to many sessions that are away. */

import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { BuiltCopy } from '../../scripts/crash/built-copy.ts'
import { Child } from '../brokers/child.ts'
import { compile } from '../bundle.ts'
import { describeMachine, describeRevision } from '../machine.ts'
import { exitCodes, runCommand, runMeasurement } from '../measurement.ts'
import { readMachineCpuMs } from '../process-usage.ts'
import { progressBar } from '../progress.ts'
import { removeTemporaryDirectory, temporaryDirectory } from '../temporary.ts'
import { BrokerProcess, type BrokerPrograms } from './broker-process.ts'
import { parseStoreBenchCommand, type StoreBenchOptions } from './command-line.ts'
import type { Contents } from './contents.ts'
import { type FanOutReport, measureFanOut } from './measure-fan-out.ts'
import { measureStart, type StartReport } from './measure-start.ts'
import type { ScanReport } from './programs/scan.ts'
import { formatStoreResult, type Round } from './report.ts'

const root = resolve(import.meta.dirname, '../..')
const programs = ['prepare', 'scan', 'loop-probe'] as const
const profileName = 'mqtt-jig-store-start.cpuprofile'

/** How long the scan of a store may take, in seconds. */
const scanSeconds = 300

/** Runs the command line; resolves with the exit code. */
export const main = (args: readonly string[]): Promise<number> =>
  runCommand(parseStoreBenchCommand(args), (options) => runMeasurement(() => bench(options)))

const bench = async (options: StoreBenchOptions): Promise<number> => {
  const { sessions, messages, retained, receivers, payloadBytes, repetitions, json } = options
  const contents: Contents = { sessions, messages, retained, receivers, payloadBytes }
  const bar = progressBar(process.stderr)
  const total = options.rounds * 2 + (options.profile ? 3 : 2)
  const show = (done: number, text: string, part = 0) => bar.show({ done, total, part, text })
  show(0, 'building')
  const built = BuiltCopy.make(root)
  const compiled = await compile(Object.fromEntries(programs.map((name) => [name, `bench/store/programs/${name}.ts`])))
  const program = (name: (typeof programs)[number]) => join(compiled, `${name}.mjs`)
  const directory = temporaryDirectory(resolve(root, '.jig'))
  const store = join(directory, 'store')
  await prepare(program('prepare'), store, contents, (part) => show(0, 'making the store', part))
  const bench = new StoreBench(store, contents, { root: built.root, probe: program('loop-probe') })
  const rounds: Round[] = []
  for (let round = 1; round <= options.rounds; round += 1) {
    show(round * 2 - 1, `round ${round}: scan`)
    const scan = await runScan(program('scan'), store)
    show(round * 2, `round ${round}: start`)
    rounds.push({ scan, ...(await bench.start()) })
  }
  show(options.rounds * 2 + 1, `one message to ${receivers} sessions`)
  const fanOut = await bench.fanOut(repetitions)
  if (options.profile) {
    show(options.rounds * 2 + 2, 'profile')
    await bench.start(profileName)
  }
  bar.clear()
  const result = { contents, rounds, fanOut }
  const say = json === '-' ? console.error : console.log
  say(formatStoreResult(result))
  if (options.profile) say(`profile: ${resolve(profileName)}\n`)
  const all = { machine: describeMachine(), revision: describeRevision(root), ...result }
  if (json === '-') process.stdout.write(`${JSON.stringify(all, null, 2)}\n`)
  else if (json !== undefined) writeFileSync(json, `${JSON.stringify(all, null, 2)}\n`)
  removeTemporaryDirectory(directory)
  removeTemporaryDirectory(compiled)
  built.remove()
  return exitCodes.ok
}

const prepare = async (program: string, store: string, contents: Contents, report: (part: number) => void) => {
  const child = new Child('prepare', process.execPath, [program, store, JSON.stringify(contents)], { ipc: true })
  let isDone = false
  child.process.on('message', (part: number | null) => {
    if (part === null) isDone = true
    else report(part)
  })
  await child.until(() => isDone || undefined, Number.POSITIVE_INFINITY)
}

const runScan = async (program: string, store: string): Promise<ScanReport> => {
  const child = new Child('scan', process.execPath, [program, store], { ipc: true })
  const report = await child.message<ScanReport>(scanSeconds)
  await child.stop()
  return report
}

/** Brokers over one store, one after the other. */
class StoreBench {
  readonly #store: string
  readonly #contents: Contents
  readonly #programs: BrokerPrograms
  #brokers = 0

  constructor(store: string, contents: Contents, programs: BrokerPrograms) {
    this.#store = store
    this.#contents = contents
    this.#programs = programs
  }

  /** @param profileFile the name of a file of the working directory, for a profile. */
  async start(profileFile?: string): Promise<{ start: StartReport; othersShare: number | undefined }> {
    const [machineBefore, begin] = [readMachineCpuMs(), performance.now()]
    const broker = await this.#broker(profileFile)
    try {
      const start = await measureStart(broker, begin, this.#store, this.#contents)
      const machineAfter = readMachineCpuMs()
      const others =
        machineBefore === undefined || machineAfter === undefined
          ? undefined
          : (machineAfter - machineBefore - start.complete.cpuMs) / start.complete.wallMs
      return { start, othersShare: others === undefined ? undefined : Math.max(0, others) }
    } finally {
      await broker.stop()
    }
  }

  async fanOut(repetitions: number): Promise<FanOutReport[]> {
    const broker = await this.#broker()
    try {
      await measureStart(broker, performance.now(), this.#store, this.#contents)
      return await measureFanOut(broker, repetitions, this.#contents.payloadBytes)
    } finally {
      await broker.stop()
    }
  }

  #broker(profileFile?: string): Promise<BrokerProcess> {
    this.#brokers += 1
    const directory = join(this.#programs.root, `broker-${this.#brokers}`)
    return BrokerProcess.start(directory, this.#store, this.#contents, this.#programs, profileFile)
  }
}
