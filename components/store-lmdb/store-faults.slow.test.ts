import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { RecordingLogger } from '../../test/helpers/recording-logger.ts'
import { storeLmdbConfig } from './config.ts'
import { OpenStore } from './open-store.ts'

const root = resolve(import.meta.dirname, '../..')

interface Line {
  readonly opened?: number
  readonly durable?: number
  readonly pressure?: string
  readonly stopped?: number
  readonly warnings?: readonly string[]
}

/** A process with a store, see test/helpers/store-child.ts. */
class StoreProcess {
  readonly process: ChildProcess
  readonly #lines: AsyncIterator<string>
  /** The last number that it said is durable. */
  durable = 0

  /** @param swaps after so many messages a successor takes over from the store, again and again. */
  constructor(path: string, bytes: number, { shellLimit = '', swaps = 0 } = {}) {
    const program = `exec "${process.execPath}" scripts/run.mjs test/helpers/store-child.ts "${path}" ${bytes} ${swaps}`
    this.process = spawn('bash', ['-c', `${shellLimit}${program}`], { cwd: root, stdio: ['pipe', 'pipe', 'ignore'] })
    this.#lines = createInterface({ input: this.process.stdout! })[Symbol.asyncIterator]()
  }

  /** The next line that is so. */
  async until(isSo: (line: Line) => boolean): Promise<Line> {
    for (;;) {
      const { value, done } = await this.#lines.next()
      if (done === true) throw new Error('the process ended')
      const line = JSON.parse(value as string) as Line
      this.durable = Math.max(this.durable, line.durable ?? 0)
      if (isSo(line)) return line
    }
  }

  async kill(): Promise<void> {
    this.process.kill('SIGKILL')
    if (this.process.exitCode === null && this.process.signalCode === null) await once(this.process, 'exit')
  }
}

describe('a store in another process', () => {
  let path: string
  let child: StoreProcess | undefined
  beforeEach(() => {
    path = mkdtempSync(join(tmpdir(), 'store-faults-'))
  })
  afterEach(async () => {
    await child?.kill()
    child = undefined
    rmSync(path, { recursive: true, force: true })
  })

  const open = () => OpenStore.open(storeLmdbConfig.parse({ path }), new RecordingLogger())
  /** The numbers of the messages that are in the file. */
  const stored = async (): Promise<number[]> => {
    const store = await open()
    const numbers = store.read('away', 0, 1_000_000).map(({ sequence }) => sequence)
    await store.finish(AbortSignal.timeout(10_000))
    await store.environment.close()
    return numbers
  }

  const killed = async (swaps: number): Promise<void> => {
    for (let times = 0; times < 3; times += 1) {
      rmSync(path, { recursive: true, force: true })
      child = new StoreProcess(path, 200, { swaps })
      await child.until(({ durable = 0 }) => durable > 100 * (times + 1))
      await child.kill()
      const numbers = await stored()
      expect(numbers.length).toBeGreaterThanOrEqual(child.durable)
      expect(numbers).toEqual(numbers.map((_number, index) => index + 1))
    }
  }

  it('has everything that was durable after kill -9, in order and without a gap', () => killed(0))

  it('has it, too, when successors took over again and again', () => killed(7))

  it('keeps its file for itself, and leaves it to the next one after kill -9', async () => {
    child = new StoreProcess(path, 100)
    const { opened } = await child.until((line) => line.opened !== undefined)
    await expect(open()).rejects.toThrow(`${path} is in use by process ${opened}`)
    await child.kill()
    const store = await open()
    await store.environment.close()
  })

  const canLimit = process.platform === 'linux' && spawnSync('prlimit', ['--version']).status === 0
  it.runIf(canLimit)('is stuck while its file cannot grow, and then goes on with nothing lost', async () => {
    child = new StoreProcess(path, 3_000, { shellLimit: 'ulimit -S -f 600; ', swaps: 7 })
    const { opened } = await child.until((line) => line.opened !== undefined)
    await child.until(({ pressure }) => pressure === 'stuck')
    const before = child.durable
    spawnSync('prlimit', ['--pid', String(opened), '--fsize=unlimited'])
    await child.until(({ durable = 0, pressure }) => pressure === 'none' && durable > before + 1_000)
    child.process.stdin!.end()
    const { stopped, warnings } = await child.until((line) => line.stopped !== undefined)
    expect(warnings).toEqual([
      expect.stringMatching(
        /^The store could not write to .*: .*; \d+ bytes are free, \d+ records wait\. It tries again/,
      ),
    ])
    const numbers = await stored()
    expect(numbers).toEqual(Array.from({ length: stopped! }, (_, index) => index + 1))
  })

  const damages: [string, (page: Buffer) => void][] = [
    ['content', (page) => page.fill(0x5a, 1_000)],
    ['content and header', (page) => page.fill(0xff, 16)],
    ['everything', (page) => page.fill(0)],
  ]
  it.each(damages)('is checked in a process of its own when its leaf pages lost their %s', async (_what, damage) => {
    child = new StoreProcess(path, 200)
    await child.until(({ durable = 0 }) => durable > 300)
    await child.kill()
    const file = join(path, 'data.mdb')
    const bytes = readFileSync(file)
    for (let at = 2 * PAGE_BYTES; at < bytes.length; at += PAGE_BYTES) {
      const page = bytes.subarray(at, at + PAGE_BYTES)
      if (page.readUInt16LE(18) === LEAF) damage(page)
    }
    writeFileSync(file, bytes)
    const command = ['scripts/run.mjs', 'components/store-lmdb/commands/store-command.ts', 'check', '--path', path]
    const { status, signal, stdout, stderr } = spawnSync(process.execPath, command, { cwd: root, encoding: 'utf8' })
    expect([status, signal]).toEqual([1, null])
    expect(stdout + stderr).toMatch(/is damaged|cannot be read|problems in|is not a store|cannot be opened/)
  })
})

/** Of a file that was made on this machine. */
const PAGE_BYTES = 4_096
const LEAF = 2
