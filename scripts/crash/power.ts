import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import { freePort } from '../../bench/brokers/free-port.ts'
import { removeTemporaryDirectory, temporaryDirectory } from '../../bench/temporary.ts'
import { BrokerProcess } from './broker-process.ts'
import type { BuiltCopy } from './built-copy.ts'
import { fileAt } from './file-at.ts'
import { Publisher } from './publisher.ts'
import { randomFrom } from './random.ts'
import { type Recording, readRecording, STRACE_OPTIONS } from './recording.ts'
import { settle } from './settle.ts'
import { Subscriber } from './subscriber.ts'

/** The system whose store may leave out syncs. */
const CONFIG = 'test/helpers/crash-store/system.config.ts'
const READER = 'test/helpers/crash-store/read-cuts.ts'
/** Packet Identifiers of a publisher: they tell whose message an acknowledgement is for. */
const IDENTIFIERS = 16_000
const PUBLISHERS = 4
const POLL_MS = 10
/** How long strace may take to write the end of its file, in milliseconds. */
const STRACE_END_MS = 30_000
/** Of them nothing more is to be learned. */
const MAXIMUM_BROKEN = 10

export interface PowerOptions {
  readonly cuts: number
  readonly seed: number
  readonly settings: readonly string[]
  /** Of each publisher. */
  readonly messages: number
}

export interface PowerResult {
  readonly cuts: number
  readonly syncs: number
  readonly acknowledged: number
  /** Cuts whose file had more than was acknowledged. */
  readonly more: number
  readonly broken: readonly string[]
}

/** Why power cuts cannot be simulated here; undefined if they can. */
export const powerObstacle = (): string | undefined => {
  if (process.platform !== 'linux') return 'Power cuts are simulated on Linux alone: strace records the system calls'
  const { status, stderr, error } = spawnSync('strace', ['-f', '-o', '/dev/null', 'true'], { encoding: 'utf8' })
  if (error !== undefined) return 'Power cuts need strace, which is not there: apt-get install strace'
  return status === 0 ? undefined : `Power cuts need strace, which may not trace here: ${stderr.trim()}`
}

/** Records a broker under load, and reads its store as power cuts at random points of the recording may leave it. */
export const runPowerCuts = async (built: BuiltCopy, options: PowerOptions): Promise<PowerResult> => {
  const directory = temporaryDirectory()
  try {
    const recording = await record(built, directory, options)
    return await readCuts(built, directory, recording, options)
  } finally {
    removeTemporaryDirectory(directory)
  }
}

/** One subscriber stays away, so that its queue has every message; one comes and takes them, so that the file changes. */
const record = async (built: BuiltCopy, directory: string, options: PowerOptions): Promise<Recording> => {
  const { settings, messages } = options
  const config = built.file(CONFIG)
  const log = join(directory, 'strace.log')
  const port = await freePort()
  const runner = ['strace', ...STRACE_OPTIONS, '-o', log]
  const broker = await BrokerProcess.start({ root: built.root, directory, port, config, settings, runner })
  const broken: string[] = []
  const common = { port, broken: (what: string) => void broken.push(what) }
  const [away, here] = [0, 1].map((index) => new Subscriber({ index, protocolVersion: 5, ...common })) as [
    Subscriber,
    Subscriber,
  ]
  let publishers: Publisher[] = []
  try {
    await Promise.all([away.subscribed, here.subscribed])
    away.close()
    publishers = Array.from({ length: PUBLISHERS }, (_, index) => {
      const [qos, protocolVersion] = [index % 2 === 0 ? 1 : 2, index < 2 ? 5 : 4] as const
      const counts = { last: messages, window: 1 + index * 4, identifiersAfter: index * IDENTIFIERS }
      return new Publisher({ index, qos, protocolVersion, retain: index < 2, ...counts, ...common })
    })
    await settle({ publishers, subscribers: [here], broken })
    if (broken.length > 0) throw new Error(`The recording failed: ${broken[0]}; the broker: ${broker.describe()}`)
  } finally {
    for (const client of [away, here, ...publishers]) client.close()
    await broker.kill()
  }
  await ended(log, broker.pid)
  return readRecording(log)
}

/** strace goes on for a moment after the broker has ended. */
const ended = async (log: string, pid: number): Promise<void> => {
  const sinceMs = performance.now()
  while (!new RegExp(`^${pid} +\\+\\+\\+ `, 'm').test(readFileSync(log, 'latin1').slice(-10_000))) {
    if (performance.now() - sinceMs > STRACE_END_MS) throw new Error('strace does not end')
    await after(POLL_MS)
  }
}

const readCuts = async (
  built: BuiltCopy,
  directory: string,
  recording: Recording,
  { cuts, seed }: PowerOptions,
): Promise<PowerResult> => {
  const { acknowledged, syncs, subscribed, lines } = recording
  if (subscribed.length < 2 || acknowledged.length === 0) throw new Error('The recording has no acknowledgements')
  const random = randomFrom(seed)
  const first = Math.max(...subscribed) + 1
  const points = Array.from({ length: cuts }, () => first + Math.floor(random() * (lines + 1 - first)))
  for (const [number, line] of points.entries()) {
    const path = join(directory, 'cuts', String(number))
    mkdirSync(path, { recursive: true })
    writeFileSync(join(path, 'data.mdb'), fileAt(recording, line, random))
  }
  const broken: string[] = []
  let more = 0
  const found = readStores(built, join(directory, 'cuts'), cuts, broken)
  for (const [number, content] of found) {
    const line = points[number]!
    const sent = acknowledged.filter(({ at }) => at < line).map(({ identifier }) => identifier)
    const problem = missingIn(content, sent)
    if (problem !== undefined) broken.push(`cut at line ${line}: ${problem}`)
    if (content.queued.length > sent.length) more += 1
  }
  return { cuts, syncs: syncs.length, acknowledged: acknowledged.length, more, broken: broken.slice(0, MAXIMUM_BROKEN) }
}

interface Content {
  /** Topics and numbers. */
  readonly queued: readonly (readonly [string, string])[]
  readonly retained: readonly (readonly [string, string])[]
}

/** Reads all of them in another process, which damage may end. Adds what is broken. */
const readStores = (built: BuiltCopy, directory: string, count: number, broken: string[]): Map<number, Content> => {
  const found = new Map<number, Content>()
  let next = 0
  while (next < count && broken.length < MAXIMUM_BROKEN) {
    const args = [built.file(READER), directory, String(next), String(count), 'subscriber-0']
    const options = { encoding: 'utf8', maxBuffer: 1024 ** 3 } as const
    const { stdout, stderr, signal, status } = spawnSync(process.execPath, args, options)
    for (const line of stdout.split('\n').slice(0, -1)) {
      const { number, problem, ...content } = JSON.parse(line) as Content & { number: number; problem?: string }
      next = number + 1
      if (problem === undefined) found.set(number, content)
      else broken.push(`cut ${number}: ${problem}`)
    }
    if (next >= count) break
    broken.push(`cut ${next}: reading it ended with ${signal ?? status}: ${stderr.slice(0, 200)}`)
    next += 1
  }
  return found
}

/** The acknowledged messages that are not in a store, in words. */
const missingIn = ({ queued, retained }: Content, acknowledged: readonly number[]): string | undefined => {
  const numbers = new Map<string, number[]>()
  for (const [topic, number] of queued) {
    const known = numbers.get(topic) ?? []
    numbers.set(topic, known)
    if (Number(number) !== known.length + 1) return `${number} of ${topic} follows ${known.length}`
    known.push(Number(number))
  }
  const kept = new Map(retained)
  for (const identifier of acknowledged) {
    const index = Math.floor((identifier - 1) / IDENTIFIERS)
    const [topic, number] = [`crash/${index}`, identifier - index * IDENTIFIERS]
    if ((numbers.get(topic)?.length ?? 0) < number) return `${number} of ${topic} was acknowledged and is lost`
    const last = Number(kept.get(topic) ?? 0)
    if (index < 2 && last < number) return `${number} of ${topic} was acknowledged, and ${last} is retained`
  }
  return undefined
}
