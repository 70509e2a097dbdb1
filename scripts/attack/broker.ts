import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Child } from '../../bench/brokers/child.ts'
import { type CertificateFiles, certificateFiles } from '../../bench/certificate-files.ts'
import type { Target } from '../../bench/generator/open-socket.ts'
import { askProcess } from '../floods/ask-process.ts'
import { type ListenerName, listenerNames, type Targets, type User, users } from './attack.ts'
import type { Holdings, ProbeReport } from './messages.ts'

/** How long the broker may take to count what it holds, in milliseconds. */
const ANSWER_DEADLINE_MS = 60_000

const MIB = 1024 ** 2

/** Bounds of the broker's memory, low enough to be reached. */
const bounds = {
  server: { maximumTotalPendingBytes: 64 * MIB },
  mqttDecoder: { maximumTotalPartialBytes: 32 * MIB },
  broker: {
    maximumRetainedBytes: 32 * MIB,
    maximumTotalQueuedBytes: 64 * MIB,
    maximumTotalSubscriptionBytes: 64 * MIB,
    maximumTotalUnreleasedBytes: 32 * MIB,
  },
}

/** The bytes that all these bounds allow together. */
export const boundedBytes = Object.values(bounds)
  .flatMap((values) => Object.values(values))
  .reduce((sum, bytes) => sum + bytes, 0)

/** A broker with all listeners, in a process of its own. */
export class Broker {
  readonly targets: Targets
  readonly #child: Child

  private constructor(child: Child, targets: Targets) {
    this.#child = child
    this.targets = targets
  }

  /**
   * Starts the built broker of this checkout.
   * @param folder has `probe.mjs`, and gets the files of the broker.
   * @throws Error with its output when it does not start.
   */
  static async start(root: string, folder: string): Promise<Broker> {
    const config = await writeSystem(root, folder)
    const args = ['--expose-gc', resolve(root, 'bin/mqtt-jig.mjs'), '--config', config]
    const child = new Child('the broker', process.execPath, args, { ipc: true, cwd: root })
    try {
      const report = await child.message<ProbeReport>()
      if (report.type !== 'ready') throw new Error('the broker did not say where it listens')
      return new Broker(child, targetsOf(report.listeners, folder))
    } catch (error) {
      await child.stop()
      throw error
    }
  }

  /** What it holds now, after it has collected its garbage. */
  holdings(): Promise<Holdings> {
    return askProcess<{ readonly type: 'holdings' } & Holdings>(this.#child, { type: 'holdings' }, ANSWER_DEADLINE_MS)
  }

  /** The most memory that it had until now, in bytes; undefined where there is no /proc. */
  get peakBytes(): number | undefined {
    try {
      const status = readFileSync(`/proc/${this.#child.process.pid}/status`, 'latin1')
      return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024
    } catch {
      return undefined
    }
  }

  /** How it ended, unless it was stopped, and the last that it wrote. */
  get crash(): string | undefined {
    const { crash, output } = this.#child
    return crash === undefined ? undefined : `the broker ${crash}: ${output.trim()}`
  }

  stop(): Promise<void> {
    return this.#child.stop()
  }
}

/** Writes the config of a system with all listeners. @returns the file. */
const writeSystem = async (root: string, folder: string): Promise<string> => {
  const passwords = join(folder, 'passwords')
  for (const user of Object.values(users)) await addUser(root, passwords, user)
  const file = join(folder, 'system.json')
  writeFileSync(file, JSON.stringify(systemOf(folder, passwords, await certificateFiles(folder))))
  return file
}

const addUser = async (root: string, file: string, { name, password }: User): Promise<void> => {
  const args = [resolve(root, 'bin/mqtt-jig.mjs'), 'passwd', 'add', '--file', file, name]
  const program = spawn(process.execPath, args, { stdio: ['pipe', 'ignore', 'ignore'] })
  program.stdin.end(`${password}\n`)
  const [code] = await once(program, 'exit')
  if (code !== 0) throw new Error(`the user ${name} could not be added`)
}

const socketFile = (folder: string): string => join(folder, 'mqtt.sock')

const systemOf = (folder: string, path: string, { cert, key }: CertificateFiles): object => {
  const dependencies = { logger: 'logger' }
  const locked = { authenticators: ['passwordFile'] }
  const listener = (name: string, config: object) => ({
    component: `mqtt-jig/components/${name}`,
    config,
    dependencies,
  })
  return {
    logger: { config: { level: 'error' } },
    store: { component: 'mqtt-jig/components/store-memory' },
    passwordFile: { component: 'mqtt-jig/components/password-file', config: { path }, dependencies },
    anonymous: { component: 'mqtt-jig/components/anonymous' },
    broker: { config: bounds.broker },
    mqttDecoder: { config: bounds.mqttDecoder },
    mqttHandler: { dependencies: { authenticators: ['passwordFile', 'anonymous'] } },
    // Limits of an address do not hold on this machine unless the config says so. The attackers have other addresses than the clients.
    server: {
      config: { port: 0, unlimitedAddresses: ['127.0.0.1'], banAfterFailures: 20, ...locked, ...bounds.server },
    },
    open: listener('tcp', { port: 0, authenticators: ['anonymous'], allowAnonymous: true }),
    tls: listener('tls', { port: 0, cert, key, ...locked }),
    ws: listener('web-socket', { port: 0, ...locked }),
    wss: listener('web-socket', { port: 0, tls: { cert, key }, ...locked }),
    unix: listener('unix-socket', { path: socketFile(folder), ...locked }),
    proxied: listener('tcp', { port: 0, proxyProtocol: { trusted: ['127.0.0.0/8'] }, ...locked }),
    probe: { component: './probe.mjs#probe', dependencies: { listener: 'server', broker: 'broker' } },
  }
}

const transports = { tls: 'tls', ws: 'ws', wss: 'wss', unix: 'unix' } as const

const targetsOf = (
  listeners: readonly { readonly name: string; readonly address: string }[],
  folder: string,
): Targets => {
  const targetOf = (name: ListenerName): Target => {
    const transport = name in transports ? transports[name as keyof typeof transports] : 'tcp'
    if (transport === 'unix') return { host: socketFile(folder), port: 0, transport }
    const address = listeners.find((each) => each.name === name)?.address ?? ''
    const port = Number(/:(\d+)/.exec(address)?.[1])
    if (!(port > 0)) throw new Error(`the broker does not say where ${name} listens: ${JSON.stringify(address)}`)
    return { host: '127.0.0.1', port, transport }
  }
  return Object.fromEntries(listenerNames.map((name) => [name, targetOf(name)])) as Targets
}
