import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Child } from '../brokers/child.ts'
import { onFreePort } from '../brokers/free-port.ts'
import { openSocket } from '../generator/open-socket.ts'
import { encodeConnect, PacketType } from '../generator/packets.ts'
import type { Contents } from './contents.ts'
import type { LoopReport } from './programs/loop-probe.ts'

/** How long a broker may take to start, in seconds. */
const startSeconds = 240
const pollMs = 5

export interface BrokerPrograms {
  /** Of a built checkout. */
  readonly root: string
  /** The compiled `loop-probe.ts`. */
  readonly probe: string
}

/** The built broker as `npm start` runs it, over a store that is there. Its log goes to a file. */
export class BrokerProcess {
  readonly child: Child
  readonly port: number
  readonly #logFile: string

  private constructor(child: Child, port: number, logFile: string) {
    this.child = child
    this.port = port
    this.#logFile = logFile
  }

  /**
   * Starts the process and waits for nothing.
   * @param directory for its config and its log. It is within the built checkout, where the names of components lead. @param profileFile a name in the working directory, for a profile.
   */
  static start(
    directory: string,
    store: string,
    contents: Contents,
    { root, probe }: BrokerPrograms,
    profileFile?: string,
  ): Promise<BrokerProcess> {
    return onFreePort(async (port) => {
      mkdirSync(directory, { recursive: true })
      const config = join(directory, 'system.json')
      const logFile = join(directory, 'broker.log')
      writeFileSync(logFile, '')
      writeFileSync(config, JSON.stringify(entries(store)))
      const settings = settingsOf(contents, port, logFile).flatMap((setting) => ['--set', setting])
      const program = resolve(root, 'bin/mqtt-jig.mjs')
      const args = [...profiling(profileFile), '--import', probe, program, '--config', config, ...settings]
      return new BrokerProcess(new Child('mqtt-jig', process.execPath, args, { cwd: root, ipc: true }), port, logFile)
    })
  }

  get pid(): number {
    return this.child.process.pid!
  }

  /** Connects again and again until the broker listens. @returns CONNACK's Session Present. */
  connectWhenReady(clientId: string): Promise<boolean> {
    return this.child.until(async () => {
      let socket: Awaited<ReturnType<typeof openSocket>>
      try {
        socket = await openSocket({ host: '127.0.0.1', port: this.port })
      } catch {
        await sleep(pollMs)
        return undefined
      }
      socket.on('error', () => undefined)
      socket.write(encodeConnect(clientId, 4, true))
      const [bytes] = (await once(socket, 'data')) as [Buffer]
      socket.destroy()
      const [type, , flags, code] = bytes
      if (type !== PacketType.CONNACK << 4 || code !== 0) throw new Error(`${clientId} was refused with ${code}`)
      return flags === 1
    }, startSeconds)
  }

  /** Waits until the log says that all retained messages are restored. @returns how many. */
  retainedRestored(): Promise<number> {
    return this.child.until(() => {
      const line = /^.*"retained":(\d+).* restored"\}$/m.exec(readFileSync(this.#logFile, 'utf8'))
      return line === null ? undefined : Number(line[1])
    }, startSeconds)
  }

  /** Begins to measure how long its event loop is held. */
  async watchLoop(): Promise<void> {
    this.child.process.send('begin')
    await this.child.message()
  }

  /** @returns the longest hold since `watchLoop`, in milliseconds. */
  async longestHold(): Promise<number> {
    this.child.process.send('end')
    return (await this.child.message<LoopReport>()).longestMs
  }

  stop(): Promise<void> {
    return this.child.stop()
  }
}

const entries = (path: string) => ({
  store: {
    component: 'mqtt-jig/components/store-lmdb',
    config: { path },
    startDeadlineMs: startSeconds * 1000,
    dependencies: { logger: 'logger' },
  },
})

/** The limits leave room for the store. */
const settingsOf = ({ sessions, retained }: Contents, port: number, logFile: string): string[] => [
  `broker.startDeadlineMs=${startSeconds * 1000}`,
  'server.host=127.0.0.1',
  `server.port=${port}`,
  `logger.destination=${logFile}`,
  `broker.maximumSessions=${sessions * 2 + 1_000}`,
  `broker.maximumRetainedMessages=${retained + 1_000}`,
  `broker.maximumRetainedBytes=${1024 ** 4}`,
  `broker.maximumTotalQueuedBytes=${1024 ** 4}`,
]

/** The profile is written to the working directory of the command. */
const profiling = (file: string | undefined): string[] =>
  file === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${process.cwd()}`, `--cpu-prof-name=${file}`]
