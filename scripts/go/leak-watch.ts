/** Finds what components leave behind when they end: timers, sockets, servers, watchers, processes and threads. For the dev loop alone. */

import { AsyncLocalStorage, createHook, executionAsyncId } from 'node:async_hooks'
import type { ComponentScope, InstanceOwner } from '../../src/system/component-scope.ts'
import { messageOf } from '../../src/system/system-error.ts'
import { type CallSite, callSites, sourcePlaces } from './call-sites.ts'
import { makerOf } from './leak-makers.ts'
import { isOfOtherPackage, latest, Owner, Owners } from './leak-owners.ts'
import { type HandleKind, type Leak, leakTexts } from './leak-text.ts'

/** What is noted, by the name that Node gives it. */
const kinds: ReadonlyMap<string, HandleKind> = new Map([
  ['Timeout', 'timer'],
  ['TCPSERVERWRAP', 'server'],
  ['PIPESERVERWRAP', 'server'],
  ['TCPWRAP', 'socket'],
  ['PIPEWRAP', 'socket'],
  ['UDPWRAP', 'socket'],
  ['FSEVENTWRAP', 'file watcher'],
  ['STATWATCHER', 'file watcher'],
  ['PROCESSWRAP', 'child process'],
  ['WORKER', 'worker thread'],
])
/** What may go with the state from an instance to its successor. */
const crossing: ReadonlySet<HandleKind> = new Set(['socket', 'server'])
/** Node closes a handle, and says so, within this number of turns of the event loop. */
const turnsToClose = 4

/** Who made a handle, and where. */
interface Origin {
  readonly owner: Owner
  readonly place: string
  /** Whether the code of a package made it. */
  readonly byPackage: boolean
}

/** A handle that is active. */
interface Note extends Origin {
  owner: Owner
  readonly kind: HandleKind
  /** Of a timer. */
  readonly delayMs: number | undefined
  readonly handle: WeakRef<object>
}

export interface LeakWatchOptions {
  /** The absolute paths of the files that a component is made of, that which defines it first. Empty if they are not known. */
  readonly filesOf: (component: object) => readonly string[]
  /** A path as it is shown to a person. */
  readonly shorten: (file: string) => string
  /** Called with a line for each kind of leak at one place. */
  readonly print: (text: string) => void
}

export class LeakWatch implements ComponentScope {
  readonly #options: LeakWatchOptions
  readonly #storage = new AsyncLocalStorage<Owner>()
  readonly #owners = new Owners()
  /** By the identifier that Node gives the handle. */
  readonly #notes = new Map<number, Note>()
  /** Where code began what Node continues later, such as the look-up of an address, by identifier. */
  readonly #detours = new Map<number, Origin>()
  readonly #checks = new Set<Promise<void>>()
  #closed = false
  readonly #hook = createHook({
    init: (id, type, triggerId, handle) => this.#onInit(id, type, triggerId, handle),
    destroy: (id) => {
      this.#notes.delete(id)
      this.#detours.delete(id)
    },
  })

  constructor(options: LeakWatchOptions) {
    this.#options = options
  }

  begin(name: string, component: object): Owner {
    // Not before: the first load of the code is not slowed down.
    if (!this.#closed) this.#hook.enable()
    const owner = new Owner(name, this.#options.filesOf(component))
    this.#owners.add(owner)
    return owner
  }

  run<T>(owner: InstanceOwner, work: () => T): T {
    const mine = owner as Owner
    mine.calls += 1
    let result: T | undefined
    try {
      result = this.#storage.run(mine, work)
      return result
    } finally {
      const done = (): void => {
        mine.calls -= 1
      }
      if (result instanceof Promise) result.then(done, done)
      else done()
    }
  }

  succeed(before: InstanceOwner, after: InstanceOwner): void {
    ;(before as Owner).successor = after as Owner
    // From now on its files count for the successor.
    this.#owners.remove(before as Owner)
  }

  end(owner: InstanceOwner): void {
    this.#owners.remove(owner as Owner)
    // Outside of the call that the component ends in.
    const check = this.#storage.exit(() => this.#check(owner as Owner)).finally(() => this.#checks.delete(check))
    this.#checks.add(check)
  }

  /** Resolves when everything that has ended was looked at. */
  async settled(): Promise<void> {
    while (this.#checks.size > 0) await Promise.all(this.#checks)
  }

  /** Ends the watch. */
  close(): void {
    this.#closed = true
    this.#hook.disable()
    this.#notes.clear()
    this.#detours.clear()
  }

  async #check(owner: Owner): Promise<void> {
    for (let turn = 0; turn < turnsToClose; turn += 1) await new Promise((resolve) => setImmediate(resolve))
    const leaks: Leak[] = []
    for (const [id, note] of this.#notes) {
      if (note.owner !== owner) continue
      if (owner.successor !== undefined && crossing.has(note.kind)) note.owner = latest(owner)
      else {
        this.#notes.delete(id)
        const handle = note.handle.deref()
        if (handle !== undefined && !isBackground(note, handle)) leaks.push(note)
      }
    }
    for (const text of leakTexts(owner.name, leaks)) this.#options.print(text)
  }

  /** An error that escaped from here would end the process. */
  #onInit(id: number, type: string, triggerId: number, handle: object): void {
    try {
      const kind = kinds.get(type)
      if (kind !== undefined) this.#note(id, kind, triggerId, handle)
      else if (type === 'TickObject' || type === 'GETADDRINFOREQWRAP') this.#noteDetour(id)
    } catch (error) {
      this.close()
      this.#options.print(`What components leave behind is not watched any more: ${messageOf(error)}`)
    }
  }

  #note(id: number, kind: HandleKind, triggerId: number, handle: object): void {
    const server = this.#notes.get(triggerId)
    const running = executionAsyncId()
    const context = this.#storage.getStore() ?? this.#notes.get(running)?.owner
    // A connection that was accepted: no code of a component is on the stack.
    const accepted = server?.kind === 'server' && kind === 'socket' ? server : undefined
    const origin = accepted ?? this.#originOf(context, kind) ?? this.#detours.get(running)
    if (origin === undefined) return
    const { owner, place, byPackage } = origin
    const note: Note = { owner, place, byPackage, kind, delayMs: delayOf(kind, handle), handle: new WeakRef(handle) }
    this.#notes.set(id, note)
  }

  /** Node makes a listening socket when it has looked the address up. */
  #noteDetour(id: number): void {
    const context = this.#storage.getStore()
    if (context === undefined || latest(context).calls === 0) return
    const origin = this.#originOf(context, 'server', 'node:dns')
    if (origin !== undefined) this.#detours.set(id, origin)
  }

  /** @param through a file of Node that has to be on the stack. */
  #originOf(context: Owner | undefined, kind: HandleKind, through?: string): Origin | undefined {
    const sites = callSites()
    if (through !== undefined && !sites.some(({ file }) => file === through)) return undefined
    const maker = makerOf(kind, sites)
    const found = maker && this.#owners.attribute(context, sites)
    if (found === undefined) return undefined
    // In this function as well: the two stacks have the same frames.
    const places = sourcePlaces()
    const text = (site: CallSite): string => this.#options.shorten(places[site.index] ?? site.file!)
    const { owner, place, caller } = found
    const called = caller === undefined ? '' : ` (called from ${text(caller)})`
    const byPackage = maker!.index !== place.index && isOfOtherPackage(maker!.file ?? '')
    return { owner, place: `${text(place)}${called}`, byPackage }
  }
}

/** Milliseconds. Node has no public name for it. */
const delayOf = (kind: HandleKind, handle: object): number | undefined => {
  const delay: unknown = kind === 'timer' ? (handle as { _idleTimeout?: unknown })._idleTimeout : undefined
  return typeof delay === 'number' ? delay : undefined
}

/** A package may share what does not keep the process alive among all its users: that is not reported. */
const isBackground = ({ byPackage }: Note, handle: object): boolean =>
  byPackage && (handle as { hasRef?: () => boolean }).hasRef?.() === false
