import { readFileSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import type { Broker, RunningBroker, StartOptions } from './broker.ts'
import { Child } from './child.ts'

/**
 * Our broker as it runs in production: the built program of a checkout.
 * @param root of the checkout; its `dist` is up to date.
 * @param settings more values of the config, for every case.
 */
export const mqttJig = (name: string, root: string, settings: readonly string[] = []): Broker => ({
  name,
  description: `mqtt-jig ${versionOf(root)} (${root})`,
  lacks: () => undefined,
  start: async (options: StartOptions): Promise<RunningBroker> => {
    const all = ['server.host=127.0.0.1', 'server.port=0', 'logger.level=info', ...options.settings, ...settings]
    const child = new Child(
      name,
      process.execPath,
      [
        ...profiling(options.profileFile),
        resolve(root, 'bin/mqtt-jig.mjs'),
        ...all.flatMap((setting) => ['--set', setting]),
      ],
      { cwd: root },
    )
    const port = await child.until(() => portIn(child.output))
    return {
      pid: child.process.pid!,
      port,
      output: () => child.output,
      crash: () => child.crash,
      stop: () => child.stop(),
    }
  },
})

/** The port in the line of the log that says where the server listens. */
const portIn = (log: string): number | undefined => {
  const found = /"port":(\d+),"msg":"Listening/.exec(log)
  return found === null ? undefined : Number(found[1])
}

const profiling = (file: string | undefined): string[] =>
  file === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${dirname(file)}`, `--cpu-prof-name=${basename(file)}`]

const versionOf = (root: string): string =>
  (JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8')) as { version: string }).version
