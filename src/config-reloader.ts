/** Reads the config file of a running system again: for SIGHUP and for operators. */

import { importByNode, readConfigFile } from './config-file.ts'
import type { AnySystemConfig } from './system/define-system.ts'
import type { System } from './system/lifecycle.ts'
import type { ResetPlan } from './system/reset-plan.ts'
import { configure, type Setting } from './system/settings.ts'
import type { Reloaded, SystemReloader } from './system/system-reloader.ts'

/** Where the config of a system comes from: the command line and the environment. */
export interface ConfigSource {
  /** An absolute path. */
  readonly configFile: string
  readonly settings: readonly Setting[]
  readonly only: readonly string[]
}

/**
 * Applies no change that closes connections of a listener that stays. Code is not loaded again: components are the modules that run
 * already. What a config file imports of its own is not read again either.
 */
export class ConfigReloader implements SystemReloader {
  readonly #source: ConfigSource
  readonly #system: () => System
  /** Node reads a module once for each address. */
  #generation = 0

  /** @param system asked for each time. */
  constructor(source: ConfigSource, system: () => System) {
    this.#source = source
    this.#system = system
  }

  async plan(): Promise<ResetPlan> {
    return this.#system().plan(await this.#read())
  }

  async reload(): Promise<Reloaded> {
    const report = await this.#system().apply(await this.#read(), { keep: 'all' })
    const outcomes = await this.#system().refresh()
    return { report, refreshed: outcomes.map(({ name, change, error }) => ({ name, change, error: error?.message })) }
  }

  #read(): Promise<AnySystemConfig> {
    this.#generation += 1
    return readConfig(this.#source, `?generation=${this.#generation}`)
  }
}

/**
 * Reads a config, with its settings applied.
 * @param query behind the address of the module, to read it again.
 * @throws what the file throws, and SystemError CONFIG_INVALID for the settings.
 */
export const readConfig = async (
  { configFile, settings, only }: ConfigSource,
  query = '',
): Promise<AnySystemConfig> => {
  const config = await readConfigFile(configFile, (file) => importByNode(file, file === configFile ? query : ''))
  return configure(config, settings, only)
}
