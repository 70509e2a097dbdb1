import { readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { StoreChoice } from '../bench-case.ts'
import { removeTemporaryDirectory, temporaryDirectory } from '../temporary.ts'
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
  const data = directoryOf(root, options.store)
  const all = [...standardSettings, `server.port=${port}`, ...options.settings]
  const program = resolve(root, 'bin/mqtt-jig.mjs')
  const config = data === undefined ? [] : ['--config', join(data, CONFIG_FILE)]
  const args = [...profiling(options.profileFile), program, ...config, ...all.flatMap((setting) => ['--set', setting])]
  const child = new Child(name, process.execPath, args, { cwd: root })
  try {
    await child.until(() => answers(port))
  } catch (error) {
    await child.stop()
    if (data !== undefined) removeTemporaryDirectory(data)
    throw error
  }
  return {
    pid: child.process.pid!,
    port,
    output: () => child.output,
    crash: () => child.crash,
    ...(data === undefined ? {} : { dataDirectory: data }),
    stop: async () => {
      await child.stop()
      if (data !== undefined) removeTemporaryDirectory(data)
    },
  }
}

const CONFIG_FILE = 'system.config.mjs'

/**
 * A new directory for the data of a store that is on the disk, with a config that keeps the state there. It is within the checkout: the folder for temporary
 * files may be in memory.
 */
const directoryOf = (root: string, durability: StoreChoice = 'memory'): string | undefined => {
  if (durability === 'memory') return undefined
  const directory = temporaryDirectory(resolve(root, '.jig'))
  const moduleOf = (file: string) => JSON.stringify(pathToFileURL(resolve(root, 'dist', file)).href)
  const config = JSON.stringify({ path: join(directory, 'data'), durability })
  const lines = [
    `import system from ${moduleOf('system.config.js')}`,
    `import { lmdbStore } from ${moduleOf('components/store-lmdb/index.js')}`,
    `const store = { component: lmdbStore, config: ${config}, dependencies: { logger: 'logger' } }`,
    'export default { ...system, store }',
    '',
  ]
  writeFileSync(join(directory, CONFIG_FILE), lines.join('\n'))
  return directory
}

const profiling = (file: string | undefined): string[] =>
  file === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${dirname(file)}`, `--cpu-prof-name=${basename(file)}`]

const versionOf = (root: string): string =>
  (JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8')) as { version: string }).version
