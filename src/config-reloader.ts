/** Reads the config file of a running system again: for SIGHUP and for operators. */

import { importByNode, readConfigFile } from './config-file.ts'
import { refusalsOf } from './reload-policy.ts'
import type { AnySystemConfig } from './system/define-system.ts'
import type { System } from './system/lifecycle.ts'
import type { CheckedPlan } from './system/reset-plan.ts'
import { configure, type Setting } from './system/settings.ts'
import { SystemError } from './system/system-error.ts'
import type { Reloaded, SystemReloader } from './system/system-reloader.ts'
import { createTurns } from './system/turns.ts'

/** Where the config of a system comes from: the command line and the environment. */
export interface ConfigSource {
  /** An absolute path. */
  readonly configFile: string
  readonly settings: readonly Setting[]
  readonly only: readonly string[]
}

/**
 * Refuses changes that close connections of a listener that stays, restarts that could not be undone, and what `reload-policy.ts` names.
 * Code is not loaded again: components are the modules that run already. What a config file imports of its own is not read again either.
 */
export class ConfigReloader implements SystemReloader {
  readonly #read: (generation: number) => Promise<unknown>
  readonly #system: () => System
  readonly #inTurn = createTurns()
  /** A reload that has not begun: further calls need no other one. */
  #nextReload: Promise<Reloaded> | undefined
  #generation = 0
  onUndoFailed: ((error: unknown) => void) | undefined

  /**
   * @param read the config, not checked yet. The generation is another one for each call: Node reads a module once for each address.
   * @param system asked for each time.
   */
  constructor(read: (generation: number) => Promise<unknown>, system: () => System) {
    this.#read = read
    this.#system = system
  }

  async plan(): Promise<CheckedPlan> {
    return this.#plan(await this.#next())
  }

  /** A config that was read before another one is applied before it: of many calls, the last config stays in force. */
  reload(): Promise<Reloaded> {
    this.#nextReload ??= this.#inTurn(() => {
      this.#nextReload = undefined
      return this.#reload()
    })
    return this.#nextReload
  }

  async #reload(): Promise<Reloaded> {
    const config = await this.#next()
    const { refusals } = await this.#plan(config)
    if (refusals.length > 0) throw new SystemError('RESET_REFUSED', refusals.join('; '))
    const applied = this.#system().apply(config, { keep: 'all' })
    const report = await applied.catch((error: unknown) => {
      if (error instanceof SystemError && error.code === 'UNDO_FAILED') this.onUndoFailed?.(error)
      throw error
    })
    const outcomes = await this.#system().refresh()
    return { report, refreshed: outcomes.map(({ name, change, error }) => ({ name, change, error: error?.message })) }
  }

  /** @throws SystemError as `System.plan`. */
  async #plan(config: unknown): Promise<CheckedPlan> {
    const system = this.#system()
    const plan = await system.plan(config, { keep: 'all' })
    // It has no problems: `plan` throws them.
    const ofPolicy = refusalsOf(plan, system.config, config as AnySystemConfig)
    return { ...plan, refusals: [...ofPolicy, ...plan.refusals] }
  }

  #next(): Promise<unknown> {
    this.#generation += 1
    return this.#read(this.#generation)
  }
}

/**
 * Reads a config, with its settings applied.
 * @param generation of a config that is read again; 0 the first time.
 * @throws what the file throws, and SystemError CONFIG_INVALID for the settings.
 */
export const readConfig = async (
  { configFile, settings, only }: ConfigSource,
  generation = 0,
): Promise<AnySystemConfig> => {
  const query = generation === 0 ? '' : `?generation=${generation}`
  const config = await readConfigFile(configFile, (file) => importByNode(file, file === configFile ? query : ''))
  return configure(config, settings, only)
}
