import { once } from 'node:events'
import { resolve } from 'node:path'
import { Child } from '../../bench/brokers/child.ts'
import { answers } from '../../bench/brokers/free-port.ts'

export interface BrokerProcessOptions {
  /** Of the built checkout, or of a `BuiltCopy`. */
  readonly root: string
  /** Where the broker runs, and its store has its files. */
  readonly directory: string
  readonly port: number
  readonly config: string | undefined
  readonly settings: readonly string[]
  /** A program with its arguments, which runs the broker in this process. */
  readonly runner?: readonly string[]
}

/** The queues hold everything: an acknowledged message that a full queue drops would look like a broken promise. */
const SETTINGS = [
  'server.host=127.0.0.1',
  'logger.level=error',
  'broker.maximumQueuedMessages=1000000',
  'broker.maximumQueuedBytes=1000000000',
]

/** The broker in a process of its own. */
export class BrokerProcess {
  readonly #child: Child

  private constructor(child: Child) {
    this.#child = child
  }

  /** Resolves when it accepts connections. @throws Error when it ends before. */
  static async start({
    root,
    directory,
    port,
    config,
    settings,
    runner,
  }: BrokerProcessOptions): Promise<BrokerProcess> {
    const all = [...SETTINGS, `server.port=${port}`, ...settings].flatMap((setting) => ['--set', setting])
    const chosen = config === undefined ? [] : ['--config', config]
    const own = [process.execPath, resolve(root, 'bin/mqtt-jig.mjs'), ...chosen, ...all]
    const [command, ...args] = [...(runner ?? []), ...own] as [string, ...string[]]
    const child = new Child('the broker', command, args, { cwd: directory })
    await child.until(() => answers(port))
    return new BrokerProcess(child)
  }

  get pid(): number {
    return this.#child.process.pid ?? 0
  }

  /** Resolves when it has ended. */
  async ended(): Promise<void> {
    const { process } = this.#child
    if (process.exitCode === null && process.signalCode === null) await once(process, 'exit')
  }

  /** Whether a signal has ended it that leaves no time to write anything. */
  get wasKilled(): boolean {
    return this.#child.process.signalCode === 'SIGKILL'
  }

  /** How it ended by itself. */
  get crash(): string | undefined {
    const { crash, output } = this.#child
    return crash === undefined ? undefined : `${crash}\n${output}`
  }

  /** Whether it runs, and what it wrote. */
  describe(): string {
    return this.crash ?? `it runs, and wrote: ${this.#child.output}`
  }

  async kill(): Promise<void> {
    const exit = once(this.#child.process, 'exit')
    this.#child.process.kill('SIGKILL')
    await exit
  }

  stop(): Promise<void> {
    return this.#child.stop()
  }
}
