import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { certificateFiles } from '../../bench/certificate-files.ts'
import { removeTemporaryDirectory, temporaryDirectory } from '../../bench/temporary.ts'
import { configSource } from './config-source.ts'
import type { Values } from './edits.ts'
import type { StoreName } from './protocol.ts'

const copied = [
  'bench',
  'src',
  'components',
  'scripts',
  'package.json',
  'tsconfig.json',
  'system.config.ts',
  'memory.config.ts',
]

/** A copy of the sources of a checkout, in which files are edited while its broker runs. */
export class CheckoutCopy {
  /** Within the checkout, so that its packages are found. */
  readonly root: string
  readonly #initial: Values
  #values: Values
  readonly #store: StoreName | 'none'
  /** Of the files that were read, before any edit. */
  readonly #originals = new Map<string, string>()

  private constructor(root: string, initial: Values, store: StoreName | 'none') {
    this.root = root
    this.#initial = initial
    this.#values = initial
    this.#store = store
  }

  /** @param checkout its folder. @param store `none`: a system without listeners, for a crowd in memory. */
  static async make(checkout: string, store: StoreName | 'none'): Promise<CheckoutCopy> {
    const root = temporaryDirectory(resolve(checkout, '.jig'))
    const wanted = (path: string) => !path.endsWith('.test.ts')
    for (const name of copied) cpSync(join(checkout, name), join(root, name), { recursive: true, filter: wanted })
    const certificates = join(root, 'certificates')
    mkdirSync(certificates)
    const { cert, key } = await certificateFiles(certificates)
    const copy = new CheckoutCopy(root, initialValues(store, { cert, key }), store)
    copy.#writeConfig()
    return copy
  }

  read(file: string): string {
    return readFileSync(join(this.root, file), 'utf8')
  }

  /** The text of a file before its first edit, if it is asked for before. */
  original(file: string): string {
    const text = this.#originals.get(file) ?? this.read(file)
    this.#originals.set(file, text)
    return text
  }

  write(file: string, text: string): void {
    writeFileSync(join(this.root, file), text)
  }

  /** The values that are in the config now. */
  get values(): Values {
    return this.#values
  }

  /** Writes the config with other values in place of some. */
  setValues(changed: Values): void {
    const entries = Object.entries(changed).map(([name, values]) => [name, { ...this.#initial[name], ...values }])
    this.restoreValues({ ...this.#values, ...Object.fromEntries(entries) })
  }

  restoreValues(values: Values): void {
    this.#values = values
    this.#writeConfig()
  }

  remove(): void {
    removeTemporaryDirectory(this.root)
  }

  #writeConfig(): void {
    this.write('resets.config.ts', configSource(this.#values, this.#store))
  }
}

/** Limits that a crowd of this size would meet are not what a run is about. */
const initialValues = (store: StoreName | 'none', pair: { readonly cert: string; readonly key: string }): Values => ({
  logger: { level: 'warn', destination: 'broker.log' },
  router: {},
  store: store === 'lmdb' ? { path: 'data' } : {},
  topicRules: { rules: [{ action: 'all', filter: 'resets/#', allow: true }] },
  broker: { maximumSessions: 200_000, maximumTotalSubscriptionBytes: 1024 ** 3 },
  mqttDecoder: {},
  packetLog: { level: 'debug' },
  mqttHandler: {},
  mqttEncoder: {},
  tls: { port: 0, handshakesPerTurn: 1_000, ...pair },
  webSocket: { port: 0 },
  server: { port: 0, maximumConnections: 200_000, drainMs: 0 },
})
