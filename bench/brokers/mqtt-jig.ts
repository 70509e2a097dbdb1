import { readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import type { StoreChoice } from '../bench-case.ts'
import { certificateFiles } from '../certificate-files.ts'
import { removeTemporaryDirectory, temporaryDirectory } from '../temporary.ts'
import type { TransportName } from '../transport.ts'
import type { Broker, RunningBroker, StartOptions } from './broker.ts'
import { Child } from './child.ts'
import { answers, onFreePort } from './free-port.ts'

/** Like the other brokers: only on this machine, and without a line in the log for each connection. */
const standardSettings = ['server.host=127.0.0.1', 'logger.level=warn']

/**
 * Our broker as it runs in production: the built program of a checkout.
 * @param root of the checkout; its `dist` is up to date.
 * @param settings more values of the config, for every case.
 */
export const mqttJig = (name: string, root: string, settings: readonly string[] = []): Broker => ({
  name,
  description: `mqtt-jig ${versionOf(root)} (${root})`,
  lacks: () => undefined,
  start: (options) =>
    onFreePort((port) => startOn(name, root, port, { ...options, settings: [...options.settings, ...settings] })),
})

const startOn = async (name: string, root: string, port: number, options: StartOptions): Promise<RunningBroker> => {
  const { transport = 'tcp', store = 'memory' } = options
  const own = transport === 'tcp' ? [`server.port=${port}`] : ['server.port=0', `benchListener.port=${port}`]
  const all = [...standardSettings, ...own, ...options.settings]
  const program = resolve(root, 'bin/mqtt-jig.mjs')
  // The folder for temporary files may be in memory.
  const directory = store === 'memory' ? temporaryDirectory() : temporaryDirectory(resolve(root, '.jig'))
  const config = ['--config', await writeConfig(directory, transport, store)]
  const args = [...profiling(options.profileFile), program, ...config, ...all.flatMap((setting) => ['--set', setting])]
  const child = new Child(name, process.execPath, args, { cwd: root })
  const stop = async () => {
    await child.stop()
    removeTemporaryDirectory(directory)
  }
  try {
    await child.until(() => answers(port))
  } catch (error) {
    await stop()
    throw error
  }
  return {
    pid: child.process.pid!,
    port,
    ...(store !== 'memory' && { dataDirectory: directory }),
    output: () => child.output,
    crash: () => child.crash,
    stop,
  }
}

/** The system of the checkout with its state in a store of the case, and with a further listener. @returns the file. */
const writeConfig = async (directory: string, transport: TransportName, choice: StoreChoice): Promise<string> => {
  const file = join(directory, 'system.json')
  const store = storeEntry(directory, choice)
  if (transport === 'tcp') {
    writeFileSync(file, JSON.stringify({ store }))
    return file
  }
  const { cert, key } = await certificateFiles(directory)
  const component = `mqtt-jig/components/${transport === 'tls' ? 'tls' : 'web-socket'}`
  const config = transport === 'tls' ? { cert, key } : transport === 'wss' ? { tls: { cert, key } } : {}
  const benchListener = { component, config, dependencies: { logger: 'logger' } }
  writeFileSync(file, JSON.stringify({ store, benchListener }))
  return file
}

/** The store in memory is that of the other brokers. */
const storeEntry = (directory: string, durability: StoreChoice): object =>
  durability === 'memory'
    ? { component: 'mqtt-jig/components/store-memory' }
    : {
        component: 'mqtt-jig/components/store-lmdb',
        config: { path: join(directory, 'data'), durability },
        dependencies: { logger: 'logger' },
      }

const profiling = (file: string | undefined): string[] =>
  file === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${dirname(file)}`, `--cpu-prof-name=${basename(file)}`]

const versionOf = (root: string): string =>
  (JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8')) as { version: string }).version
