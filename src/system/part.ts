/** One component of a system: its state, and the calls of its functions with deadlines and error messages. */

import type { ComponentScope, InstanceOwner } from './component-scope.ts'
import { callWithin, type DeadlineCall, DeadlinePassed } from './deadline.ts'
import type { AnyComponent, AnyEntry, LifecycleContext } from './define-system.ts'
import { systemGraph } from './graph-model.ts'
import { hashFiles, hashMissing } from './hash-files.ts'
import { type Measure, measuresFault } from './measure.ts'
import { found } from './suggestion.ts'
import type { RefreshOutcome, System } from './system.ts'
import { messageOf, SystemError, type SystemErrorCode } from './system-error.ts'
import type { SystemObserver } from './system-observer.ts'
import type { ComponentState, ComponentStatus, SystemView } from './system-view.ts'

const defaultDeadlineMs = 10_000

/**
 * The result of a start: an instance, an error, or neither if it stopped because of the signal. Both if the instance has
 * started and its measures are invalid.
 */
export interface StartOutcome {
  readonly instance?: unknown
  readonly error?: SystemError
}

/** The result of a suspend: the component is suspended, or stopped instead. */
export interface SuspendOutcome {
  readonly suspended?: { readonly state: unknown }
  readonly errors: readonly SystemError[]
}

/** What a part is a part of. */
export interface PartHost {
  /** What the components see of their system. */
  readonly system: ObservedSystem
  /** Surrounds the calls of the functions of components. */
  readonly scope?: ComponentScope | undefined
  /** Called at every change of the state of a part. */
  note(part: Part, status: ComponentStatus): void
}

export class Part {
  readonly name: string
  readonly component: AnyComponent
  readonly startDeadlineMs: number
  readonly stopDeadlineMs: number
  /** As written in the system config. */
  readonly written: unknown
  /** As parsed by the component's schema. */
  readonly config: unknown
  readonly #host: PartHost
  readonly #description: string | undefined

  #state: ComponentState
  #startMs: number | undefined
  #resumed = false
  #error: SystemError | undefined
  #measures: readonly Measure[] = []
  /** Asks the instance while it runs. */
  #unready: (() => string | undefined) | undefined
  #files: ReadonlyMap<string, string> = new Map()
  #blockedBy: readonly string[] = []
  #owner: InstanceOwner | undefined
  #starting: DeadlineCall<unknown> | undefined
  #stopped: Promise<SystemError | undefined> = Promise.resolve(undefined)

  constructor(name: string, entry: AnyEntry, config: unknown, host: PartHost) {
    this.name = name
    this.component = entry.component
    this.startDeadlineMs = entry.startDeadlineMs ?? defaultDeadlineMs
    this.stopDeadlineMs = entry.stopDeadlineMs ?? defaultDeadlineMs
    this.written = entry.config
    this.config = config
    this.#host = host
    this.#description = describe(entry.component, config)
    this.#state = entry.enabled === false ? 'disabled' : 'waiting'
  }

  get state(): ComponentState {
    return this.#state
  }

  get status(): ComponentStatus {
    return {
      name: this.name,
      kind: this.component.provides.name,
      state: this.#state,
      description: this.#description,
      startMs: this.#startMs,
      resumed: this.#resumed,
      blockedBy: this.#blockedBy,
      unready: this.#unready?.(),
      error: this.#error,
    }
  }

  /** The numbers of the instance while it runs; none otherwise. */
  get measures(): readonly Measure[] {
    return this.#state === 'running' ? this.#measures : []
  }

  /** The hashes of the files that its config names, from before the instance read them. */
  get files(): ReadonlyMap<string, string> {
    return this.#files
  }

  /** Resolves when the requested stop has ended, with its error; at once if no stop was requested. */
  get stopped(): Promise<SystemError | undefined> {
    return this.#stopped
  }

  /** Stands for the instance. Undefined without a scope, and before the first call of a function of the component. */
  get owner(): InstanceOwner | undefined {
    return this.#owner
  }

  /** The system that errors refer to. */
  get #system(): ObservedSystem {
    return this.#host.system
  }

  /** Calls functions of the component for the instance. */
  run<T>(work: () => T): T {
    const { scope } = this.#host
    if (scope === undefined) return work()
    this.#owner ??= scope.begin(this.name, this.component)
    return scope.run(this.#owner, work)
  }

  /** Another instance continues from the state of this one. */
  succeededBy(successor: InstanceOwner | undefined): void {
    if (this.#owner !== undefined && successor !== undefined) this.#host.scope?.succeed(this.#owner, successor)
  }

  /** The instance has ended, or there will be none. */
  ended(): void {
    if (this.#owner !== undefined) this.#host.scope?.end(this.#owner)
  }

  /** A successor has resumed the component: the suspended instance is not stopped any more. */
  cede(successor: InstanceOwner | undefined): void {
    this.enter('stopped')
    this.succeededBy(successor)
    this.ended()
  }

  /** Moves to a state. An error stays until another replaces it. */
  enter(state: ComponentState, error?: SystemError): void {
    this.#state = state
    this.#error = error ?? this.#error
    // These states have an instance.
    if (state !== 'running') {
      this.#measures = []
      this.#unready = undefined
    }
    this.#host.note(this, this.status)
  }

  /**
   * Takes an instance that runs already, in a reset.
   * @param before the part that had it; undefined for one that was prepared for this part.
   * @param files the hashes of the files that the config names.
   * @returns the problem of the measures of the instance.
   */
  adopt(instance: unknown, before: Part | undefined, files: ReadonlyMap<string, string>): string | undefined {
    this.#files = files
    this.#owner = before === undefined ? this.#owner : before.#owner
    this.#state = 'running'
    this.#unready = () => this.component.unready?.(instance)
    if (before === undefined) return this.#readMeasures(instance)?.what
    this.#measures = before.#measures
    this.#startMs = before.#startMs
    this.#resumed = before.#resumed
    return undefined
  }

  /** What the functions of the component get besides config and dependencies. */
  context(signal: AbortSignal): LifecycleContext {
    return { name: this.name, signal, measures: () => this.#system.measures(), system: observerOf(this.#system) }
  }

  /** Tells of its state after it has adopted an instance. */
  announce(): void {
    this.#host.note(this, this.status)
  }

  /**
   * Reads the list of its measures again: an adjustment may have changed what there is to count.
   * @returns the problem of the new list; the former one stays in force then.
   */
  measureAgain(instance: unknown): SystemError | undefined {
    const wrong = this.#readMeasures(instance)
    if (wrong === undefined) return undefined
    const details = { component: this.name, phase: 'done', system: this.#system, cause: wrong.cause } as const
    return new SystemError('RESET_FAILED', `${this.name} ${wrong.what}`, details)
  }

  block(blockedBy: readonly string[]): void {
    this.#blockedBy = blockedBy
    this.enter('blocked')
  }

  /**
   * Starts the component, or resumes it with the state of its predecessor. Never rejects. The caller sets the states. An
   * instance that comes after the deadline is stopped at once.
   */
  async start(dependencies: object, suspended: { readonly state: unknown } | undefined): Promise<StartOutcome> {
    const phase = suspended === undefined ? 'start' : 'resume'
    const fail = (code: SystemErrorCode, what: string, cause?: unknown): StartOutcome => {
      const details = { component: this.name, phase, system: this.#system, cause } as const
      return { error: new SystemError(code, `the ${phase} of ${this.name} ${what}`, details) }
    }
    const startedAt = performance.now()
    this.#starting = callWithin<unknown>(this.startDeadlineMs, async (signal) => {
      // Before the component reads them: the next reset then notices a change meanwhile.
      if (this.component.reads !== undefined) this.#files = await hashFiles(this.component, this.config)
      signal.throwIfAborted()
      const context = this.context(signal)
      const instance = await this.run(() =>
        suspended === undefined
          ? this.component.start(this.config, dependencies, context)
          : this.component.resume?.(this.config, dependencies, suspended.state, context),
      )
      // It may have made a file that was missing, such as a token: that is no change.
      this.#files = await hashMissing(this.#files)
      return instance
    })
    const { outcome, work, signal } = this.#starting
    try {
      const instance = await outcome
      this.#startMs = performance.now() - startedAt
      this.#resumed = suspended !== undefined
      if (isInstance(instance)) {
        this.#unready = () => this.component.unready?.(instance)
        const wrong = this.#readMeasures(instance)
        return wrong === undefined ? { instance } : { instance, ...fail('START_FAILED', wrong.what, wrong.cause) }
      }
      this.ended()
      const promised = this.component.provides.name
      return fail('START_RETURNED_NOTHING', `returned ${found(instance)} where ${promised} is promised`)
    } catch (cause) {
      if (cause instanceof DeadlinePassed) {
        // A rejection after the deadline is ignored: the start has failed already.
        work.then(
          async (instance) => void (isInstance(instance) ? await this.stop(instance) : this.ended()),
          () => this.ended(),
        )
        const wait = `did not finish within ${this.startDeadlineMs} ms`
        return fail('START_TIMED_OUT', `${wait}; if it needs longer, set ${this.name}.startDeadlineMs`)
      }
      this.ended()
      if (signal.aborted && (cause === signal.reason || nameOf(cause) === 'AbortError')) return {}
      return fail('START_FAILED', `failed: ${messageOf(cause)}`, cause)
    } finally {
      this.#starting = undefined
    }
  }

  /** Aborts the signal of a start under way: its instance is not needed any more. */
  abortStart(reason: Error): void {
    this.#starting?.abort(reason)
  }

  /** Calls `refresh` of an instance. Never rejects, and does not change the state of the part. */
  async refresh(instance: unknown): Promise<RefreshOutcome> {
    const { name } = this
    const work = (signal: AbortSignal): unknown =>
      this.run(() => this.component.refresh?.(instance, this.context(signal)))
    const files = await hashFiles(this.component, this.config)
    try {
      const change = await callWithin(this.startDeadlineMs, work).outcome
      this.#files = files
      return { name, change: typeof change === 'string' ? change : undefined }
    } catch (cause) {
      const late = cause instanceof DeadlinePassed
      const wait = `did not finish within ${this.startDeadlineMs} ms; if it needs longer, set ${name}.startDeadlineMs`
      const message = `the refresh of ${name} ${late ? wait : `failed: ${messageOf(cause)}`}`
      const details = {
        component: name,
        phase: 'refresh',
        system: this.#system,
        cause: late ? undefined : cause,
      } as const
      return { name, error: new SystemError('REFRESH_FAILED', message, details) }
    }
  }

  /** Stops an instance of the component. Never rejects: an error is in the status, and returned. */
  stop(instance: unknown): Promise<SystemError | undefined> {
    this.#stopped = this.#stop(instance)
    return this.#stopped
  }

  /** Suspends an instance, or stops it when the component cannot suspend or fails to. Never rejects. */
  async suspend(instance: unknown): Promise<SuspendOutcome> {
    if (this.component.suspend === undefined) return stoppedWith([await this.stop(instance)])
    this.enter('stopping')
    const { error, value } = await this.#end('suspend', (signal) =>
      this.component.suspend?.(instance, this.context(signal)),
    )
    this.enter(error === undefined ? 'suspended' : 'stopping', error)
    return error === undefined
      ? { suspended: { state: value }, errors: [] }
      : stoppedWith([error, await this.stop(instance)])
  }

  /** @returns the problem of the measures of the instance. */
  #readMeasures(instance: unknown): { readonly what: string; readonly cause?: unknown } | undefined {
    try {
      const measures: unknown = this.component.measure === undefined ? [] : this.component.measure(instance)
      const fault = measuresFault(measures)
      if (fault !== undefined) return { what: `failed: its measure ${fault}` }
      this.#measures = measures as readonly Measure[]
      return undefined
    } catch (cause) {
      return { what: `failed: its measure threw: ${messageOf(cause)}`, cause }
    }
  }

  async #end(
    phase: 'stop' | 'suspend',
    work: (signal: AbortSignal) => unknown,
  ): Promise<{ readonly value?: unknown; readonly error?: SystemError }> {
    const call = callWithin(this.stopDeadlineMs, (signal) => this.run(() => work(signal)))
    // Also when it ends after its deadline.
    if (phase === 'stop') call.work.finally(() => this.ended()).catch(() => undefined)
    try {
      return { value: await call.outcome }
    } catch (cause) {
      const late = cause instanceof DeadlinePassed
      const wait = `did not finish within ${this.stopDeadlineMs} ms; if it needs longer, set ${this.name}.stopDeadlineMs`
      const message = `the ${phase} of ${this.name} ${late ? wait : `failed: ${messageOf(cause)}`}`
      const details = { component: this.name, phase, system: this.#system, cause: late ? undefined : cause }
      return { error: new SystemError(phase === 'stop' ? 'STOP_FAILED' : 'SUSPEND_FAILED', message, details) }
    }
  }

  async #stop(instance: unknown): Promise<SystemError | undefined> {
    // A component that started too late has failed, even if it stops without an error.
    const after = this.#state === 'failed' ? 'failed' : 'stopped'
    this.enter('stopping')
    const { error } = await this.#end('stop', (signal) => this.component.stop?.(instance, this.context(signal)))
    this.enter(error === undefined ? after : 'failed', error)
    return error
  }
}

const stoppedWith = (errors: readonly (SystemError | undefined)[]): SuspendOutcome => ({
  errors: errors.filter((error) => error !== undefined),
})

const isInstance = (value: unknown): boolean => value !== undefined && value !== null

const nameOf = (error: unknown): unknown => (error instanceof Error ? error.name : undefined)

/** A description is not essential: if it throws, it is omitted. */
const describe = (component: AnyComponent, config: unknown): string | undefined => {
  try {
    return component.describe?.(config)
  } catch {
    return undefined
  }
}

/** A part may ask its system to refresh all components. */
export type ObservedSystem = SystemView & Pick<System, 'refresh' | 'reloader'>

/** The rest of the system stays out of reach. */
const observerOf = (system: ObservedSystem): SystemObserver => ({
  get state() {
    return system.state
  },
  get degraded() {
    return system.degraded
  },
  get runningSinceMs() {
    return system.runningSinceMs
  },
  get reloader() {
    return system.reloader
  },
  status: () => system.status(),
  measures: () => system.measures(),
  graph: () => systemGraph(system.config, system.status()),
  refresh: async () => {
    const outcomes = await system.refresh()
    return outcomes.map(({ name, change, error }) => ({ name, change, error: error?.message }))
  },
})
