/** The components of one config: their start in the order of their dependencies, undo, stop and suspend. */

import { ComponentGraph } from './component-graph.ts'
import type { InstanceOwner } from './component-scope.ts'
import type { AnySystemConfig } from './define-system.ts'
import type { Halt, Host, SuspendedComponents } from './generation-host.ts'
import { Instances } from './instances.ts'
import { interrupted, notRunning, startError, throwStopErrors } from './lifecycle-errors.ts'
import type { ComponentMeasure } from './measure.ts'
import { Part } from './part.ts'
import { releaseSuspended } from './release-suspended.ts'
import { settleWaiting } from './settle-waiting.ts'
import type { StartMode, Suspended, SuspendedComponent } from './system.ts'
import { SystemError } from './system-error.ts'
import type { ComponentStatus, SystemState, SystemView } from './system-view.ts'

export type { SuspendedComponents } from './generation-host.ts'

export class Generation implements SystemView {
  readonly config: AnySystemConfig
  readonly graph: ComponentGraph
  readonly parts: ReadonlyMap<string, Part>
  readonly #view: SystemView
  readonly #instances: Instances
  /** Cleared when the start has ended, so that generations do not keep each other in memory. */
  #predecessor: SuspendedComponents = new Map()
  /** Suspended components of the predecessor that were not resumed because they, or all, did not start: for another successor. */
  #handedBack: SuspendedComponents = new Map()
  /** Instances that an undo of this start does not end: another generation has started them, or they are part of a reset applied. */
  readonly #adopted = new Set<string>()

  #state: SystemState = 'created'
  #runningSinceMs: number | undefined
  /**
   * The first reason wins: a failure after an interruption is only a detail of it, and an interruption after a failure as well.
   */
  #halt: Halt | undefined
  readonly #startErrors: SystemError[] = []
  /** Components whose failure does not end the start. */
  #mayFail: ReadonlySet<string> = new Set()
  /** Of suspended predecessors that did not stop. */
  readonly #releaseErrors: SystemError[] = []
  #starting: Promise<void> | undefined
  #stopping: Promise<void> | undefined
  #suspending: Promise<Suspended> | undefined

  /**
   * Takes a config without problems, as checked by `checkConfig`; starts nothing.
   * @param configs the parsed config of each component.
   */
  constructor(config: AnySystemConfig, configs: Readonly<Record<string, unknown>>, host: Host) {
    this.config = config
    this.graph = new ComponentGraph(config)
    this.#view = host.view ?? this
    this.parts = new Map(
      Object.entries(config).map(([name, entry]) => [name, new Part(name, entry, configs[name], host)]),
    )
    const isRunning = (name: string): boolean => this.parts.get(name)?.state === 'running'
    this.#instances = new Instances(this.order, isRunning, (name) => notRunning(this.#view, this.parts, name))
  }

  get order(): readonly string[] {
    return this.graph.order
  }

  get state(): SystemState {
    return this.#state
  }

  get runningSinceMs(): number | undefined {
    return this.#runningSinceMs
  }

  get degraded(): boolean {
    return this.#state === 'running' && this.order.some((name) => this.parts.get(name)!.state !== 'running')
  }

  /** Why components did not start. */
  get startErrors(): readonly SystemError[] {
    return this.#startErrors
  }

  /** What a running generation keeps suspended, for components that did not start. */
  get left(): SuspendedComponents {
    return this.#handedBack
  }

  get map(): Readonly<Record<string, never>> {
    return this.#instances.map as Readonly<Record<string, never>>
  }

  status(): readonly ComponentStatus[] {
    const disabled = [...this.parts.keys()].filter((name) => !this.graph.has(name))
    return [...this.order, ...disabled].map((name) => this.parts.get(name)!.status)
  }

  measures(): readonly ComponentMeasure[] {
    return [...this.parts.values()].flatMap(({ name, measures }) =>
      measures.map((measure) => ({ component: name, measure })),
    )
  }

  /** The instance of a component; undefined if there is none. */
  instanceOf(name: string): unknown {
    return this.#instances.has(name) ? this.#instances.get(name) : undefined
  }

  /** The instances of the components that run, in the order of their start. */
  running(): ReadonlyMap<string, unknown> {
    const names = this.order.filter((name) => this.#runs(this.parts.get(name)!))
    return new Map(names.map((name) => [name, this.#instances.get(name)]))
  }

  /** What the needs of a component are wired to. */
  dependenciesOf(name: string): object {
    return this.graph.resolve(name, (dependency) => this.#instances.get(dependency))
  }

  /**
   * Starts all components. Called once, in the state `created`.
   * @param suspended the components of a predecessor that it resumes.
   * @param mode as in `SystemOptions`.
   * @throws SystemError as `System.start`.
   */
  start(suspended: Suspended | undefined, mode: StartMode): Promise<void> {
    this.#starting = this.#start(suspended?.components ?? new Map(), mode)
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

  async #start(suspended: SuspendedComponents, mode: StartMode): Promise<void> {
    await this.begin(suspended)
    const all = new Set(this.order)
    await this.launch(all, mode === 'available' ? all : undefined)
    // A system of which nothing runs has not started.
    if (this.#startErrors.length > 0 && this.running().size === 0) throw this.#startError(await this.abandon('failure'))
    this.complete(Date.now())
  }

  /** Stops the suspended components that are not resumed here: they may hold what others need. */
  async begin(suspended: SuspendedComponents): Promise<void> {
    this.#state = 'starting'
    this.#predecessor = suspended
    this.#releaseErrors.push(...(await releaseSuspended([...suspended].filter(([name]) => !this.#canResume(name)))))
  }

  /**
   * Starts some of the components. If one fails, those that this generation has started are ended.
   * @param mayFail components whose failure only blocks what depends on them, which has to be among these components as well.
   * @throws SystemError as `System.start`.
   */
  async launch(names: ReadonlySet<string>, mayFail: ReadonlySet<string> = new Set()): Promise<void> {
    this.#mayFail = mayFail
    await this.graph.inOrder(names, (name) => this.#startPart(this.parts.get(name)!))
    if (this.#halt !== undefined) throw this.#startError(await this.abandon(this.#halt))
  }

  /** All components run. @param sinceMs `runningSinceMs`. */
  complete(sinceMs: number | undefined): void {
    this.#state = 'running'
    this.#runningSinceMs = sinceMs
    // What was not resumed waits for a retry.
    this.#handedBack = new Map([...this.#predecessor].filter(([name]) => this.#awaits(name)))
    this.#predecessor = new Map()
  }

  /** Starts no more components, and aborts the signals of those that are starting. */
  giveUp(halt: Halt, why: string): void {
    if (this.#halt !== undefined) return
    this.#halt = halt
    const reason = new DOMException(`the start of the system was given up: ${why}`, 'AbortError')
    for (const part of this.parts.values()) part.abortStart(reason)
  }

  /**
   * Ends the components that this generation has started. After a failure `suspend` returns the suspended ones; after an interruption
   * they are released.
   */
  async abandon(halt: Halt): Promise<readonly SystemError[]> {
    this.giveUp(halt, 'the reset failed')
    this.#state = 'stopping'
    settleWaiting(this.order, this.graph, this.parts, this.#halt === 'interruption')
    const handedOver = this.#predecessor
    this.#predecessor = new Map()
    const errors = [...this.#releaseErrors]
    if (this.#halt === 'failure') errors.push(...(await this.#undo(handedOver)))
    else errors.push(...(await this.#stopAll(this.#adopted)), ...(await releaseSuspended(handedOver)))
    this.#state = this.#halt === 'failure' ? 'failed' : 'stopped'
    return errors
  }

  /** Takes an instance that runs already. */
  adopt(part: Part, instance: unknown): void {
    this.#instances.set(part.name, instance)
    this.#adopted.add(part.name)
  }

  /** All that runs here is in use: a later failure does not end it. */
  adoptAll(): void {
    for (const name of this.order) if (this.#instances.has(name)) this.#adopted.add(name)
  }

  /** Another generation has the instance now. */
  forget(name: string): void {
    if (this.#instances.has(name)) this.#instances.take(name)
  }

  /** Suspends some components, dependents first, or stops those that cannot be suspended. The others go on. */
  async suspendOnly(names: ReadonlySet<string>): Promise<Suspended> {
    const components = new Map<string, SuspendedComponent>()
    const errors = await this.#inReverse(async (part) => {
      return names.has(part.name) && this.#runs(part) ? this.#suspendPart(part, components) : []
    })
    return { components, errors }
  }

  /** Stops what still runs here, dependents first. What is suspended waits for a successor. */
  stopRunning(): Promise<readonly SystemError[]> {
    return this.#inReverse(async (part) => (this.#runs(part) ? this.#stopPart(part) : []))
  }

  /**
   * Ends all after a reset that could be neither applied nor undone.
   * @param before what was suspended before: with what can be suspended now, it is what `suspend` returns.
   */
  async collapse(before: SuspendedComponents): Promise<readonly SystemError[]> {
    this.#state = 'stopping'
    const { components, errors } = await this.suspendOnly(new Set(this.order))
    this.#handedBack = new Map([...components, ...[...before].filter(([name]) => !components.has(name))])
    this.#state = 'failed'
    return errors
  }

  /** Resolves when the start of one part has ended, successfully or not. */
  async #startPart(part: Part): Promise<void> {
    if (this.#isHalted() || part.state === 'blocked') return
    const { name } = part
    part.enter('starting')
    // The listener may have stopped the system in this call.
    if (this.#isHalted()) return part.enter('stopped')
    const resumed = this.#canResume(name) ? this.#predecessor.get(name) : undefined
    const { instance, error } = await part.start(this.dependenciesOf(name), resumed)
    if (instance !== undefined) {
      // Also after a halt or a failure: the undo waits for this and stops the part.
      this.#instances.set(name, instance)
      resumed?.claim(part.owner)
    }
    if (error !== undefined) {
      this.#startErrors.push(error)
      const mayFail = this.#mayFail.has(name)
      if (!mayFail) this.giveUp('failure', `${name} failed`)
      part.enter('failed', error)
      if (!mayFail || this.#isHalted()) return
      settleWaiting(this.order, this.graph, this.parts, this.#halt === 'interruption')
      await this.#stopPart(part)
    } else part.enter(instance === undefined ? 'stopped' : 'running')
  }

  #runs({ name, state }: Part): boolean {
    return state === 'running' && this.#instances.has(name)
  }

  #isHalted(): boolean {
    return this.#halt !== undefined
  }

  /** Whether a component was suspended, and has not been resumed or begun anew. */
  #awaits(name: string): boolean {
    return this.#canResume(name) && this.parts.get(name)!.state !== 'running'
  }

  #startError(undoErrors: readonly SystemError[]): SystemError {
    if (this.#halt === 'interruption') return interrupted(this.#view, [...this.#startErrors, ...undoErrors])
    return startError(this.#view, this.#startErrors, undoErrors)
  }

  async #stop(): Promise<void> {
    if (this.#state === 'created') {
      this.#state = 'stopped'
      for (const name of this.order) this.parts.get(name)!.enter('stopped')
    } else if (this.#suspending !== undefined) {
      await this.#suspending
      // Components that could not be stopped have been reported by the suspend.
      const held = new Set(this.order.filter((name) => this.#instances.has(name)))
      const errors = await this.#stopAll()
      throwStopErrors(
        this.#view,
        errors.filter(({ component }) => held.has(component ?? '')),
      )
    } else if (this.#state === 'running') {
      this.#state = 'stopping'
      const errors = [...(await this.#stopAll()), ...(await releaseSuspended(this.#handedBack))]
      this.#state = 'stopped'
      throwStopErrors(this.#view, errors)
    } else {
      await this.#interrupt()
    }
  }

  /** Interrupts a start under way. After a failed start, releases the suspended components. */
  async #interrupt(): Promise<void> {
    this.giveUp('interruption', 'the system is being stopped')
    const error = await this.#starting?.catch((thrown: unknown) => thrown)
    const undone = this.#halt === 'interruption' && error instanceof SystemError ? error.errors : []
    throwStopErrors(this.#view, [
      ...undone.filter((each) => each instanceof SystemError && each.code === 'STOP_FAILED'),
      ...(await releaseSuspended(this.#handedBack)),
      // After a reset that was interrupted: what this start did not concern.
      ...(await this.stopRunning()),
    ])
  }

  /** Undoes a failed start. Resumed components are suspended again, so that no state is lost. */
  async #undo(handedOver: SuspendedComponents): Promise<readonly SystemError[]> {
    const suspended = new Map<string, SuspendedComponent>()
    const errors = await this.#inReverse(async (part) => {
      if (this.#adopted.has(part.name)) return []
      if (part.status.resumed && this.#instances.has(part.name)) return this.#suspendPart(part, suspended)
      return this.#stopPart(part)
    })
    // Components that were not resumed, or could not be suspended again, keep the state of the predecessor.
    this.#handedBack = new Map([...handedOver].map(([name, component]) => [name, suspended.get(name) ?? component]))
    return errors
  }

  async #suspend(): Promise<Suspended> {
    this.#state = 'stopping'
    const components = new Map<string, SuspendedComponent>()
    const errors = await this.#inReverse(async (part) => (this.#runs(part) ? this.#suspendPart(part, components) : []))
    this.#state = 'stopped'
    for (const [name, component] of this.#handedBack) components.set(name, component)
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
        claim: (by) => this.#claim(part, by),
        release: () => this.#releaseSuspended(part),
      })
    }
    return errors
  }

  async #stopInstead(): Promise<Suspended> {
    const error = await this.stop().catch((thrown: unknown) => thrown)
    return { components: new Map(), errors: error instanceof SystemError ? (error.errors as SystemError[]) : [] }
  }

  #claim(part: Part, by: InstanceOwner | undefined): void {
    if (!this.#instances.has(part.name)) return
    this.#instances.take(part.name)
    part.cede(by)
  }

  async #releaseSuspended(part: Part): Promise<void> {
    const mine = this.#instances.has(part.name)
    const [error] = await this.#stopPart(part)
    if (mine && error !== undefined) throw error
  }

  #canResume(name: string): boolean {
    const component = this.graph.has(name) ? this.parts.get(name)?.component : undefined
    const suspended = this.#predecessor.get(name)
    return component?.resume !== undefined && suspended?.kind === component.provides.name
  }

  #stopAll(except: ReadonlySet<string> = new Set()): Promise<readonly SystemError[]> {
    return this.#inReverse(async (part) => (except.has(part.name) ? [] : this.#stopPart(part)))
  }

  /** Stops the instance of a part. If a stop is under way already, waits for it. */
  async #stopPart(part: Part): Promise<readonly SystemError[]> {
    const { name } = part
    const error = await (this.#instances.has(name) ? part.stop(this.#instances.take(name)) : part.stopped)
    return error === undefined ? [] : [error]
  }

  #inReverse(end: (part: Part) => Promise<readonly SystemError[]>): Promise<readonly SystemError[]> {
    return this.graph.inReverse((name) => end(this.parts.get(name)!))
  }
}
