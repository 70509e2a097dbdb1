/** Runs the components of a system in the order of their dependencies: start, undo, stop, suspend. */

import type { AnySystemConfig, SystemMap } from './define-system.ts'
import { Instances } from './instances.ts'
import type { ComponentMeasure } from './measure.ts'
import { Part } from './part.ts'
import { type DependencyGraph, dependentsOf, startWaves } from './start-order.ts'
import { didYouMean } from './suggestion.ts'
import type { RefreshOutcome, Suspended, SuspendedComponent, System, SystemOptions } from './system.ts'
import { messageOf, SystemError } from './system-error.ts'
import type { SystemReloader } from './system-reloader.ts'
import type { ComponentStatus, SystemState } from './system-view.ts'
import { type Wire, wiresOf } from './wiring.ts'

/** The reason why no more components are started. */
type Halt = 'failure' | 'interruption'

export class Container implements System<AnySystemConfig> {
  readonly config: AnySystemConfig
  readonly reloader: SystemReloader | undefined
  readonly order: readonly string[]
  readonly map: SystemMap<AnySystemConfig>
  readonly #parts = new Map<string, Part>()
  readonly #instances: Instances
  readonly #wires: ReadonlyMap<string, readonly Wire[]>
  readonly #graph: DependencyGraph
  readonly #dependents: DependencyGraph
  /** Cleared when the start has ended, so that generations do not keep each other in memory. */
  #predecessor: Suspended | undefined
  /** After a failed start: the suspended components of the predecessor, for another successor. */
  #handedBack: ReadonlyMap<string, SuspendedComponent> = new Map()

  #state: SystemState = 'created'
  #runningSinceMs: number | undefined
  /**
   * The first reason wins: a failure after an interruption is only a detail of it, and an interruption after a failure as well.
   */
  #halt: Halt | undefined
  readonly #startErrors: SystemError[] = []
  #starting: Promise<void> | undefined
  #stopping: Promise<void> | undefined
  /** Settles when the last refresh that was asked for has ended. */
  #refreshed: Promise<unknown> = Promise.resolve()
  /** A refresh that has not begun: further calls need no other one. */
  #nextRefresh: Promise<readonly RefreshOutcome[]> | undefined
  #suspending: Promise<Suspended> | undefined

  /** Takes a config without problems, as checked by `checkConfig`. */
  constructor(config: AnySystemConfig, configs: Readonly<Record<string, unknown>>, options: SystemOptions) {
    this.config = config
    this.reloader = options.reloader
    this.#predecessor = options.suspended
    for (const [name, entry] of Object.entries(config)) {
      this.#parts.set(name, new Part(name, entry, configs[name], this, (status) => notify(options.onChange, status)))
    }
    const enabled = Object.keys(config).filter((name) => config[name]!.enabled !== false)
    this.#wires = new Map(enabled.map((name) => [name, wiresOf(config, name)]))
    this.#graph = new Map(enabled.map((name) => [name, distinct(this.#wires.get(name)!.flatMap((wire) => wire.names))]))
    this.#dependents = dependentsOf(this.#graph)
    this.order = startWaves(this.#graph).flat()
    const isRunning = (name: string): boolean => this.#parts.get(name)?.state === 'running'
    this.#instances = new Instances(this.order, isRunning, (name) => this.#notRunning(name))
    this.map = this.#instances.map as SystemMap<AnySystemConfig>
  }

  get state(): SystemState {
    return this.#state
  }

  status(): readonly ComponentStatus[] {
    const disabled = [...this.#parts.keys()].filter((name) => !this.#graph.has(name))
    return [...this.order, ...disabled].map((name) => this.#parts.get(name)!.status)
  }

  get runningSinceMs(): number | undefined {
    return this.#runningSinceMs
  }

  measures(): readonly ComponentMeasure[] {
    return [...this.#parts.values()].flatMap(({ name, measures }) =>
      measures.map((measure) => ({ component: name, measure })),
    )
  }

  start(): Promise<void> {
    if (this.#state !== 'created') {
      const message = `a system starts once, and this one is ${this.#state}; create a new one`
      return Promise.reject(new SystemError('ALREADY_STARTED', message, { system: this }))
    }
    this.#state = 'starting'
    this.#starting = this.#start()
    return this.#starting
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  suspend(): Promise<Suspended> {
    if (this.#state === 'running') this.#suspending = this.#suspend()
    if (this.#state === 'failed' && this.#stopping === undefined) {
      return Promise.resolve({ components: this.#handedBack, errors: [] })
    }
    return this.#suspending ?? this.#stopInstead()
  }

  refresh(): Promise<readonly RefreshOutcome[]> {
    this.#nextRefresh ??= this.#refreshed.then(() => {
      this.#nextRefresh = undefined
      return this.#refresh()
    })
    this.#refreshed = this.#nextRefresh
    return this.#nextRefresh
  }

  plan(): Promise<never> {
    return Promise.reject(new SystemError('NOT_RUNNING', 'a reset is not there yet', { system: this }))
  }

  apply(): Promise<never> {
    return this.plan()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  /** One after the other: a component is not called twice at the same time. */
  async #refresh(): Promise<readonly RefreshOutcome[]> {
    const outcomes: RefreshOutcome[] = []
    for (const name of this.order) {
      const part = this.#parts.get(name)!
      // The system may be stopped meanwhile.
      if (this.#state !== 'running' || part.state !== 'running' || part.component.refresh === undefined) continue
      outcomes.push(await part.refresh(this.#instances.get(name)))
    }
    return outcomes
  }

  async #start(): Promise<void> {
    const handedOver = this.#predecessor?.components ?? new Map<string, SuspendedComponent>()
    const errors = await release([...handedOver].filter(([name]) => !this.#canResume(name)))
    // Every component waits for its dependencies. In start order, so that their promises exist already.
    const settled = new Map<string, Promise<unknown>>()
    for (const name of this.order) {
      const dependencies = this.#graph.get(name)!.map((dependency) => settled.get(dependency))
      settled.set(
        name,
        Promise.all(dependencies).then(() => this.#startPart(this.#parts.get(name)!)),
      )
    }
    await Promise.all(settled.values())
    if (this.#halt === undefined) {
      this.#state = 'running'
      this.#runningSinceMs = Date.now()
      this.#predecessor = undefined
      return
    }
    this.#state = 'stopping'
    this.#settleWaiting()
    if (this.#halt === 'failure') errors.push(...(await this.#undo(handedOver)))
    else errors.push(...(await this.#stopAll()), ...(await release(handedOver)))
    this.#predecessor = undefined
    this.#state = this.#halt === 'failure' ? 'failed' : 'stopped'
    throw this.#startError(errors)
  }

  /** Resolves when the start of one part has ended, successfully or not. */
  async #startPart(part: Part): Promise<void> {
    if (this.#isHalted()) return
    const { name } = part
    part.enter('starting')
    // The listener may have stopped the system in this call.
    if (this.#isHalted()) return part.enter('stopped')
    const resumed = this.#canResume(name) ? this.#predecessor?.components.get(name) : undefined
    const { instance, error } = await part.start(this.#dependenciesOf(name), resumed)
    if (instance !== undefined) {
      // Also after a halt or a failure: the undo waits for this and stops the part.
      this.#instances.set(name, instance)
      resumed?.claim()
    }
    if (error !== undefined) {
      this.#startErrors.push(error)
      this.#giveUp('failure', `${name} failed`)
      part.enter('failed', error)
    } else part.enter(instance === undefined ? 'stopped' : 'running')
  }

  #dependenciesOf(name: string): object {
    return Object.fromEntries(
      this.#wires.get(name)!.map(({ need, mode, names }) => {
        const instances = names.map((dependency) => this.#instances.get(dependency))
        return [need, mode === 'many' || mode === 'all' ? instances : instances[0]]
      }),
    )
  }

  #isHalted(): boolean {
    return this.#halt !== undefined
  }

  /** Starts no more components, and aborts the signals of those that are starting. */
  #giveUp(halt: Halt, why: string): void {
    if (this.#halt !== undefined) return
    this.#halt = halt
    const reason = new DOMException(`the start of the system was given up: ${why}`, 'AbortError')
    for (const part of this.#parts.values()) part.abortStart(reason)
  }

  /** Marks the components that were not started as blocked, with the reason. */
  #settleWaiting(): void {
    const blame = new Map<string, readonly string[]>()
    for (const name of this.order) {
      const part = this.#parts.get(name)!
      if (part.state === 'failed') blame.set(name, [name])
      if (part.state !== 'waiting') continue
      const blockedBy = distinct(this.#graph.get(name)!.flatMap((dependency) => blame.get(dependency) ?? []))
      blame.set(name, blockedBy)
      if (blockedBy.length > 0) part.block(blockedBy)
      else if (this.#halt === 'interruption') part.enter('stopped')
    }
  }

  #startError(undoErrors: readonly SystemError[]): SystemError {
    if (this.#halt === 'interruption') {
      const errors = [...this.#startErrors, ...undoErrors]
      return new SystemError('START_INTERRUPTED', 'the system was stopped while it was starting', {
        system: this,
        errors,
      })
    }
    const [first, ...others] = this.#startErrors
    const { code, message, component, phase, cause } = first!
    return new SystemError(code, message, { component, phase, cause, system: this, errors: [...others, ...undoErrors] })
  }

  async #stop(): Promise<void> {
    if (this.#state === 'created') {
      this.#state = 'stopped'
      for (const name of this.order) this.#parts.get(name)!.enter('stopped')
    } else if (this.#suspending !== undefined) {
      await this.#suspending
      // Components that could not be stopped have been reported by the suspend.
      const held = new Set(this.order.filter((name) => this.#instances.has(name)))
      const errors = await this.#stopAll()
      throwStopErrors(
        this,
        errors.filter(({ component }) => held.has(component ?? '')),
      )
    } else if (this.#state === 'running') {
      this.#state = 'stopping'
      const errors = await this.#stopAll()
      this.#state = 'stopped'
      throwStopErrors(this, errors)
    } else {
      await this.#interrupt()
    }
  }

  /** Interrupts a start under way. After a failed start, releases the suspended components. */
  async #interrupt(): Promise<void> {
    this.#giveUp('interruption', 'the system is being stopped')
    const error = await this.#starting?.catch((thrown: unknown) => thrown)
    const undone = this.#halt === 'interruption' && error instanceof SystemError ? error.errors : []
    throwStopErrors(this, [
      ...undone.filter((each) => each instanceof SystemError && each.code === 'STOP_FAILED'),
      ...(await release(this.#handedBack)),
    ])
  }

  /** Undoes a failed start. Resumed components are suspended again, so that no state is lost. */
  async #undo(handedOver: ReadonlyMap<string, SuspendedComponent>): Promise<readonly SystemError[]> {
    const suspended = new Map<string, SuspendedComponent>()
    const errors = await this.#inReverse(async (part) => {
      if (part.status.resumed && this.#instances.has(part.name)) return this.#suspendPart(part, suspended)
      const error = await this.#stopPart(part)
      return error === undefined ? [] : [error]
    })
    // Components that were not resumed, or could not be suspended again, keep the state of the predecessor.
    this.#handedBack = new Map([...handedOver].map(([name, component]) => [name, suspended.get(name) ?? component]))
    return errors
  }

  async #suspend(): Promise<Suspended> {
    this.#state = 'stopping'
    const components = new Map<string, SuspendedComponent>()
    const errors = await this.#inReverse((part) => this.#suspendPart(part, components))
    this.#state = 'stopped'
    return { components, errors }
  }

  /** Suspends the instance of a part and adds it to `components`; stops it when it cannot be suspended. */
  async #suspendPart(part: Part, components: Map<string, SuspendedComponent>): Promise<readonly SystemError[]> {
    const { suspended, errors } = await part.suspend(this.#instances.get(part.name))
    if (suspended === undefined) this.#instances.take(part.name)
    else {
      components.set(part.name, {
        state: suspended.state,
        kind: part.component.provides.name,
        claim: () => this.#claim(part),
        release: () => this.#releaseSuspended(part),
      })
    }
    return errors
  }

  async #stopInstead(): Promise<Suspended> {
    const error = await this.stop().catch((thrown: unknown) => thrown)
    return { components: new Map(), errors: error instanceof SystemError ? (error.errors as SystemError[]) : [] }
  }

  #claim(part: Part): void {
    if (!this.#instances.has(part.name)) return
    this.#instances.take(part.name)
    part.enter('stopped')
  }

  async #releaseSuspended(part: Part): Promise<void> {
    const mine = this.#instances.has(part.name)
    const error = await this.#stopPart(part)
    if (mine && error !== undefined) throw error
  }

  #canResume(name: string): boolean {
    const component = this.#graph.has(name) ? this.#parts.get(name)?.component : undefined
    const suspended = this.#predecessor?.components.get(name)
    return component?.resume !== undefined && suspended?.kind === component.provides.name
  }

  #stopAll(): Promise<readonly SystemError[]> {
    return this.#inReverse(async (part) => {
      const error = await this.#stopPart(part)
      return error === undefined ? [] : [error]
    })
  }

  /** Stops the instance of a part. If a stop is under way already, waits for it. */
  #stopPart(part: Part): Promise<SystemError | undefined> {
    return this.#instances.has(part.name) ? part.stop(this.#instances.take(part.name)) : part.stopped
  }

  /** Ends each part when all parts that depend on it have ended. The errors are in this order, independent of timing. */
  async #inReverse(end: (part: Part) => Promise<readonly SystemError[]>): Promise<readonly SystemError[]> {
    const ended = new Map<string, Promise<readonly SystemError[]>>()
    for (const name of this.order.toReversed()) {
      const dependents = this.#dependents.get(name)!.map((dependent) => ended.get(dependent))
      ended.set(
        name,
        Promise.all(dependents).then(() => end(this.#parts.get(name)!)),
      )
    }
    return (await Promise.all(ended.values())).flat()
  }

  #notRunning(name: string): SystemError {
    const part = this.#parts.get(name)
    const unknown = `there is no component '${name}' in this system${didYouMean(name, [...this.#parts.keys()])}`
    const message = part === undefined ? unknown : `${name} is not running: it is ${part.state}`
    return new SystemError('NOT_RUNNING', message, { component: part?.name, system: this })
  }
}

/** Releases suspended components one after the other, except those that were claimed or released before. */
const release = async (components: Iterable<readonly [string, SuspendedComponent]>): Promise<SystemError[]> => {
  const errors: SystemError[] = []
  for (const [, component] of components) await component.release().catch((error: SystemError) => errors.push(error))
  return errors
}

const distinct = (names: readonly string[]): readonly string[] => [...new Set(names)]

const throwStopErrors = (system: System, errors: readonly unknown[]): void => {
  if (errors.length === 0) return
  const message = errors.map(messageOf).join('; ')
  throw new SystemError('STOP_FAILED', message, { phase: 'stop', system, errors })
}

/** A listener that throws must not interrupt a start or a stop. The error becomes a warning of the process. */
const notify = (onChange: SystemOptions['onChange'], status: ComponentStatus): void => {
  try {
    onChange?.(status)
  } catch (error) {
    process.emitWarning(`onChange of a system threw: ${messageOf(error)}`)
  }
}
