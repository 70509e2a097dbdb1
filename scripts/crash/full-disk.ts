import { spawnSync } from 'node:child_process'
import { setTimeout as after } from 'node:timers/promises'
import { freePort } from '../../bench/brokers/free-port.ts'
import { removeTemporaryDirectory, temporaryDirectory } from '../../bench/temporary.ts'
import { BrokerProcess, type BrokerProcessOptions } from './broker-process.ts'
import type { BuiltCopy } from './built-copy.ts'
import { Publisher } from './publisher.ts'
import { acknowledgedBy, checkRetained, checkStore, settle } from './settle.ts'
import { Subscriber } from './subscriber.ts'

const CONFIG = 'test/helpers/crash-store/system.config.ts'
/** The largest file that the broker may write, in kilobytes: a new store has more than the half of it. */
const LIMIT_KB = 1_024
const PUBLISHERS = 4
const POLL_MS = 10
/** How long it may take until the file is full, in milliseconds. */
const FULL_MS = 60_000
/** The broker tries again after a second at the latest, on a machine that does other work. */
const PATIENCE_MS = 30_000

export interface FullDiskOptions {
  readonly settings: readonly string[]
  /** What happens while nothing can be written. */
  readonly next: 'room' | 'kill'
}

export interface FullDiskResult {
  /** Messages acknowledged when the disk was full, */
  readonly before: number
  /** and in the end. */
  readonly acknowledged: number
  readonly broken: readonly string[]
}

/** Whether the limit of a running process can be lifted. */
export const canLimitFiles = (): boolean =>
  process.platform === 'linux' && spawnSync('prlimit', ['--version']).status === 0

/**
 * Lets the file of the store grow up to a limit, under load. Then there is room again, or the broker is killed and starts again
 * with room. Everything that was published must come.
 */
export const runFullDisk = async (built: BuiltCopy, options: FullDiskOptions): Promise<FullDiskResult> => {
  const { settings, next } = options
  const { root } = built
  const config = built.file(CONFIG)
  const directory = temporaryDirectory()
  const port = await freePort()
  const broker: BrokerProcessOptions = { root, directory, port, config, settings }
  const runner = ['bash', '-c', `ulimit -S -f ${LIMIT_KB}; exec "$@"`, 'bash']
  let process = await BrokerProcess.start({ ...broker, settings: [...settings, 'logger.level=warn'], runner })
  const broken: string[] = []
  const common = { port, broken: (what: string) => void broken.push(what) }
  const away = new Subscriber({ index: 0, protocolVersion: 5, ...common })
  let publishers: Publisher[] = []
  let isOver = false
  try {
    await away.subscribed
    away.close()
    // With MQTT 5 they would be refused while the disk is full, and their order would be that of the second attempt.
    publishers = Array.from(
      { length: PUBLISHERS },
      (_, index) =>
        new Publisher({ index, qos: index % 2 === 0 ? 1 : 2, retain: index < 2, protocolVersion: 4, ...common }),
    )
    await isFull(process)
    const before = acknowledgedBy(publishers)
    if (next === 'room') spawnSync('prlimit', ['--pid', String(process.pid), '--fsize=unlimited'])
    else {
      await process.kill()
      process = await BrokerProcess.start(broker)
    }
    const running = process
    void running.ended().then(() => {
      if (!isOver) broken.push(`the broker ended: ${running.describe()}`)
    })
    const clients = { publishers, subscribers: [away], broken }
    const sinceMs = performance.now()
    while (acknowledgedBy(publishers) <= before && performance.now() - sinceMs < PATIENCE_MS) await after(POLL_MS)
    if (acknowledgedBy(publishers) <= before) broken.push('nothing is acknowledged although there is room again')
    for (const publisher of publishers) publisher.end()
    away.open()
    await settle(clients, { patienceMs: PATIENCE_MS })
    if (broken.length === 0) await checkRetained(port, clients)
    isOver = true
    await process.stop()
    checkStore(root, directory, broken)
    return { before, acknowledged: acknowledgedBy(publishers), broken }
  } finally {
    isOver = true
    for (const client of [away, ...publishers]) client.close()
    await process.stop()
    removeTemporaryDirectory(directory)
  }
}

/** Resolves when the broker says that it cannot write. */
const isFull = async (process: BrokerProcess): Promise<void> => {
  const sinceMs = performance.now()
  while (!process.describe().includes('The store could not write')) {
    if (process.crash !== undefined || performance.now() - sinceMs > FULL_MS)
      throw new Error(`the disk does not become full: ${process.describe()}`)
    await after(POLL_MS)
  }
}
