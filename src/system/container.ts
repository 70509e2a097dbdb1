/** A system: it lives on over resets, which replace one generation of its components by the next. */

import { checkConfig } from './check-config.ts'
import { configInvalid } from './config-invalid.ts'
import type { AnySystemConfig, SystemMap } from './define-system.ts'
import { Generation } from './generation.ts'
import { interrupted } from './lifecycle-errors.ts'
import type { ComponentMeasure } from './measure.ts'
import type { Part } from './part.ts'
import { refreshParts } from './refresh-parts.ts'
import { type Configs, filesOf, planFrom, Reset, type ResetTarget } from './reset.ts'
import type { CheckedPlan, ResetOptions, ResetReport } from './reset-plan.ts'
import type { RefreshOutcome, Suspended, System, SystemOptions } from './system.ts'
import { messageOf, SystemError } from './system-error.ts'
import type { SystemReloader } from './system-reloader.ts'
import type { ComponentStatus, SystemState } from './system-view.ts'
import type { Transaction } from './transaction.ts'
import { createTurns } from './turns.ts'

export class Container implements System<AnySystemConfig> {
  readonly map: SystemMap<AnySystemConfig>
  readonly #options: SystemOptions
  #current: Generation
  #generation = 1
  readonly #underWay = new Map<Part, ComponentStatus>()
  readonly #inTurn = createTurns()
  /** Settles when the last action in turn has ended. */
  #idle: Promise<unknown> | undefined
  /** While a reset restarts components. */
  #restarting = false
  /** Cleared when the start has ended. */
  #suspended: Suspended | undefined
  #transaction: Transaction | undefined
  #stopping: Promise<void> | undefined
  /** A refresh that has not begun: further calls need no other one. */
  #nextRefresh: Promise<readonly RefreshOutcome[]> | undefined

  /** Takes a config without problems, as checked by `checkConfig`. */
  constructor(config: AnySystemConfig, configs: Configs, options: SystemOptions) {
    this.#options = options
    this.#suspended = options.suspended
    const note = (part: Part, status: ComponentStatus): void => this.#note(part, status)
    this.#current = new Generation(config, configs, { system: this, view: this, note, scope: options.scope })
    this.map = mapOf(() => this.#current.map) as SystemMap<AnySystemConfig>
  }

  get reloader(): SystemReloader | undefined {
    return this.#options.reloader
  }

  get config(): AnySystemConfig {
    return this.#current.config
  }

  get order(): readonly string[] {
    return this.#current.order
  }

  get state(): SystemState {
    return this.#restarting ? 'starting' : this.#current.state
  }

  get degraded(): boolean {
    return this.state === 'running' && this.#current.degraded
  }

  get generation(): number {
    return this.#generation
  }

  get underWay(): readonly ComponentStatus[] {
    return [...this.#underWay.values()]
  }

  get runningSinceMs(): number | undefined {
    return this.#current.runningSinceMs
  }

  status(): readonly ComponentStatus[] {
    return this.#current.status()
  }

  measures(): readonly ComponentMeasure[] {
    return this.#current.measures()
  }

  start(): Promise<void> {
    if (this.state !== 'created') {
      const message = `a system starts once, and this one is ${this.state}; create a new one`
      return Promise.reject(new SystemError('ALREADY_STARTED', message, { system: this }))
    }
    const suspended = this.#suspended
    this.#suspended = undefined
    return this.#current.start(suspended, this.#options.start ?? 'all')
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  async suspend(): Promise<Suspended> {
    if (this.#idle !== undefined) await this.#idle
    return this.#current.suspend()
  }

  refresh(): Promise<readonly RefreshOutcome[]> {
    this.#nextRefresh ??= this.#next(() => {
      this.#nextRefresh = undefined
      return refreshParts(this.#current)
    })
    return this.#nextRefresh
  }

  async plan(config: unknown, options: ResetOptions = {}): Promise<CheckedPlan> {
    const { config: checked, configs } = this.#check(config)
    const files = await filesOf(checked, configs)
    const next = this.#create(checked, configs)
    const { parts, connections, refusals } = planFrom(this.#current, next, files, options)
    return { parts, connections, refusals }
  }

  apply(config: unknown, options: ResetOptions = {}): Promise<ResetReport> {
    return this.#reset(() => {
      const { config: checked, configs } = this.#check(config)
      return () => new Reset(this.#target(), options).apply(checked, configs)
    })
  }

  retry(): Promise<ResetReport> {
    return this.#reset(() => () => new Reset(this.#target(), {}).retry())
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  /** Carries out a reset in its turn. @param check returns the reset. */
  #reset(check: () => () => Promise<ResetReport>): Promise<ResetReport> {
    return this.#next(async () => {
      const reset = check()
      this.#checkRunning()
      try {
        return await reset()
      } finally {
        this.#restarting = false
      }
    })
  }

  /** Runs an action when those before it have ended. */
  #next<T>(action: () => Promise<T>): Promise<T> {
    const result = this.#inTurn(action)
    const settled = result
      .catch(() => undefined)
      .then(() => {
        if (this.#idle === settled) this.#idle = undefined
      })
    this.#idle = settled
    return result
  }

  async #stop(): Promise<void> {
    this.#transaction?.interrupt()
    if (this.#transaction !== undefined || this.#restarting) await this.#idle
    return this.#current.stop()
  }

  #check(config: unknown): { readonly config: AnySystemConfig; readonly configs: Configs } {
    const { problems, configs } = checkConfig(config)
    if (problems.length > 0) throw configInvalid(problems)
    return { config: config as AnySystemConfig, configs }
  }

  #checkRunning(): void {
    if (this.#stopping !== undefined && this.#current.state !== 'created') throw interrupted(this, [])
    if (this.#current.state === 'running') return
    const message = `only a system that runs can be reset, and this one is ${this.state}`
    throw new SystemError('NOT_RUNNING', message, { system: this })
  }

  #create(config: AnySystemConfig, configs: Configs): Generation {
    const note = (part: Part, status: ComponentStatus): void => this.#note(part, status)
    return new Generation(config, configs, { system: this, note, scope: this.#options.scope })
  }

  #target(): ResetTarget {
    const container = this
    return {
      get current() {
        return container.#current
      },
      startsAvailable: this.#options.start === 'available',
      get stopping() {
        return container.#stopping !== undefined
      },
      get transaction() {
        return container.#transaction
      },
      set transaction(transaction) {
        container.#transaction = transaction
      },
      create: (config, configs) => this.#create(config, configs),
      onApplied: (next) => {
        this.#current = next
        this.#generation += 1
      },
      onTouched: () => {
        this.#restarting = true
      },
    }
  }

  #note(part: Part, status: ComponentStatus): void {
    if (status.state === 'starting' || status.state === 'stopping') this.#underWay.set(part, status)
    else this.#underWay.delete(part)
    // A part whose successor runs already is not the component of that name any more.
    const current = this.#current.parts.get(part.name)
    if (current !== part && current?.state === 'running' && status.state !== 'running') return
    notify(this.#options.onChange, status)
  }
}

/** One object that shows the map of the generation in force. */
const mapOf = (current: () => Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> => {
  // Inspectors print the target of a proxy, so the target has the function that prints the map.
  const print = { value: () => ({ ...current() }), configurable: true }
  return new Proxy(Object.defineProperty({}, Symbol.for('nodejs.util.inspect.custom'), print), {
    get: (_target, key) => Reflect.get(current(), key),
    has: (_target, key) => Reflect.has(current(), key),
    ownKeys: () => Reflect.ownKeys(current()),
    getOwnPropertyDescriptor: (_target, key) => Reflect.getOwnPropertyDescriptor(current(), key),
    set: () => false,
    defineProperty: () => false,
    deleteProperty: () => false,
  })
}

/** A listener that throws must not interrupt a start or a stop. The error becomes a warning of the process. */
const notify = (onChange: SystemOptions['onChange'], status: ComponentStatus): void => {
  try {
    onChange?.(status)
  } catch (error) {
    process.emitWarning(`onChange of a system threw: ${messageOf(error)}`)
  }
}
