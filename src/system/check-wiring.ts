/** Checks how the entries of a system config are wired to one another. */

import { checkByComponent } from './check-by-component.ts'
import type { ReadEntry } from './check-entry.ts'
import type { ConfigProblem } from './config-problem.ts'
import { type Edge, findCycles } from './cycles.ts'
import type { Needs } from './define-system.ts'
import { type AnyKind, needOf } from './kind.ts'
import { didYouMean, found, listed } from './suggestion.ts'

/** Every entry by name; undefined for one that exists but could not be read, which is reported elsewhere. */
export type Entries = ReadonlyMap<string, ReadEntry | undefined>

/** At most this many cycles are reported. Cycles share edges, so a few are enough to find the mistake. */
const mostCycles = 20
/** Of a longer cycle only the beginning and the end are shown. */
const longestCycle = 12

/** Adds the problems of the wiring to `problems`. */
export const checkWiring = (entries: Entries, problems: ConfigProblem[]): void => {
  const providers = providersByKind(entries)
  const edges = new Map<string, Edge[]>()
  for (const [name, entry] of entries) {
    if (entry === undefined) continue
    const wiring = new EntryWiring(name, entry, entries, providers, problems)
    const before = problems.length
    wiring.check()
    if (entry.enabled) edges.set(name, wiring.edges)
    if (problems.length === before) checkByComponent(name, entry, entries, problems)
  }
  checkUnique(entries, providers, problems)
  checkExclusive(entries, providers, problems)
  checkCycles(edges, problems)
}

const providersByKind = (entries: Entries): ReadonlyMap<string, readonly string[]> => {
  const providers = new Map<string, string[]>()
  for (const [name, entry] of entries) {
    if (entry === undefined) continue
    const kind = entry.component.provides.name
    const names = providers.get(kind)
    if (names === undefined) providers.set(kind, [name])
    else names.push(name)
  }
  return providers
}

/** The wiring of one entry. */
class EntryWiring {
  /** The enabled components that it depends on, including those of a wrong kind. */
  readonly edges: Edge[] = []
  readonly #name: string
  readonly #entry: ReadEntry
  readonly #entries: Entries
  readonly #providers: ReadonlyMap<string, readonly string[]>
  readonly #problems: ConfigProblem[]

  constructor(
    name: string,
    entry: ReadEntry,
    entries: Entries,
    providers: ReadonlyMap<string, readonly string[]>,
    problems: ConfigProblem[],
  ) {
    this.#name = name
    this.#entry = entry
    this.#entries = entries
    this.#providers = providers
    this.#problems = problems
  }

  check(): void {
    const { component, dependencies } = this.#entry
    const needs = Object.keys(component.needs)
    for (const need of Object.keys(dependencies)) {
      if (needs.includes(need)) continue
      const has = needs.length === 0 ? '; it needs nothing' : `; it needs ${listed(needs, 'and')}`
      this.#report([need], `${this.#name} has no need '${need}'${didYouMean(need, needs) || has}`)
    }
    for (const need of needs) this.#checkNeed(need, Object.hasOwn(dependencies, need) ? dependencies[need] : undefined)
  }

  #checkNeed(need: string, wired: unknown): void {
    const { kind, mode } = needOf(this.#entry.component.needs[need])
    if (mode === 'all') {
      if (wired === undefined) this.#findAll(need, kind)
      else this.#report([need], `leave this out: ${this.#name} gets every enabled component that provides ${kind.name}`)
    } else if (wired === undefined) {
      if (mode === 'optional') return
      const what = mode === 'many' ? `a list of ${kind.name} (it may be empty)` : kind.name
      this.#report([need], `missing: ${this.#name} needs ${what}; ${this.#wouldDo(kind)}`)
    } else if (mode !== 'many') {
      if (Array.isArray(wired)) this.#report([need], `one name is needed, not a list; ${this.#wouldDo(kind)}`)
      else this.#checkName([need], wired, kind, mode === 'one')
    } else if (Array.isArray(wired)) {
      for (const [index, name] of wired.entries()) {
        this.#checkName([need, index], name, kind, false)
        const first = wired.indexOf(name)
        if (first !== index) this.#report([need, index], `'${name}' stands in this list already, at [${first}]`)
      }
    } else {
      const fix = typeof wired === 'string' ? `write ['${wired}']` : `found ${found(wired)}`
      this.#report([need], `a list of names is needed; ${fix}`)
    }
  }

  #checkName(path: readonly [string, ...number[]], name: unknown, kind: AnyKind, required: boolean): void {
    if (typeof name !== 'string') {
      this.#report(path, `must be a component's name; found ${found(name)}; ${this.#wouldDo(kind)}`)
      return
    }
    if (!this.#entries.has(name)) {
      // A component of the right kind is suggested first, even if another name is as similar.
      const meant = didYouMean(name, this.#candidates(kind)) || didYouMean(name, [...this.#entries.keys()])
      this.#report(path, `there is no component '${name}'${meant}${meant === '' ? '; ' : ' '}${this.#wouldDo(kind)}`)
      return
    }
    const target = this.#entries.get(name)
    if (target === undefined) return
    if (target.enabled) this.#addEdge(name, ['dependencies', ...path])
    const provided = target.component.provides.name
    if (provided !== kind.name) {
      this.#report(path, `'${name}' provides ${provided}, but ${kind.name} is needed; ${this.#wouldDo(kind)}`)
    } else if (required && !target.enabled && this.#entry.enabled) {
      this.#report(path, `'${name}' is disabled, and ${this.#name} cannot do without; ${this.#wouldDo(kind)}`)
    }
  }

  #findAll(need: string, kind: AnyKind): void {
    for (const name of this.#candidates(kind)) this.#addEdge(name, ['component', 'needs', need])
  }

  #addEdge(to: string, path: readonly (string | number)[]): void {
    if (!this.edges.some((edge) => edge.to === to)) this.edges.push({ to, path })
  }

  #candidates(kind: AnyKind): readonly string[] {
    return (this.#providers.get(kind.name) ?? []).filter(
      (name) => name !== this.#name && this.#entries.get(name)?.enabled === true,
    )
  }

  #wouldDo(kind: AnyKind): string {
    const candidates = this.#candidates(kind)
    if (candidates.length > 0) return `${listed(candidates)} would do`
    const disabled = (this.#providers.get(kind.name) ?? []).filter((name) => name !== this.#name)
    if (disabled.length > 0) return `${listed(disabled)} would do once enabled`
    return `no ${this.#entry.component.provides.name === kind.name ? 'other ' : ''}component in this system provides ${kind.name}`
  }

  #report(path: readonly (string | number)[], message: string): void {
    this.#problems.push({ path: [this.#name, 'dependencies', ...path], message })
  }
}

const checkUnique = (
  entries: Entries,
  providers: ReadonlyMap<string, readonly string[]>,
  problems: ConfigProblem[],
): void => {
  for (const [kind, names] of providers) {
    const enabled = names.filter((name) => entries.get(name)!.enabled)
    const [first, ...others] = enabled
    if (!enabled.some((name) => entries.get(name)!.component.provides.unique === true)) continue
    for (const name of others) {
      const message = `duplicate provider of ${kind}: '${first}' provides it already, and a system has at most one; disable either`
      problems.push({ path: [name, 'component'], message })
    }
  }
}

/** The place in an owner's entry where the need is wired: `mqttHandler.dependencies.store`. */
interface Ownership {
  readonly name: string
  readonly need: string
}

/** Each provider has one owner. A component that needs it without `exclusive` is not an owner. */
const checkExclusive = (
  entries: Entries,
  providers: ReadonlyMap<string, readonly string[]>,
  problems: ConfigProblem[],
): void => {
  const owned = exclusivelyWired(entries)
  for (const [provider, [first, ...others]] of owned) {
    const { provides } = entries.get(provider)!.component
    const free = (providers.get(provides.name) ?? []).filter((name) => entries.get(name)!.enabled && !owned.has(name))
    const instead = free.length > 0 ? `${listed(free)} would do` : insteadOf(provides)
    for (const { name, need } of others) {
      const place = `${first!.name}.dependencies.${first!.need}`
      const message = `'${provider}' belongs to '${first!.name}' already (${place}), and both need it exclusively; ${instead}`
      problems.push({ path: [name, 'dependencies', need], message })
    }
  }
}

const insteadOf = ({ name, unique }: AnyKind): string =>
  unique ? `a system has at most one ${name}, so disable either component` : 'give each its own, or disable either'

/** The needs of enabled components that are wired to an enabled provider exclusively, by provider. */
const exclusivelyWired = (entries: Entries): ReadonlyMap<string, readonly Ownership[]> => {
  const owned = new Map<string, Ownership[]>()
  for (const [name, entry] of entries) {
    if (entry?.enabled !== true) continue
    for (const [need, of] of Object.entries(entry.component.needs as Needs)) {
      const { kind, exclusive } = needOf(of)
      const wired = Object.hasOwn(entry.dependencies, need) ? entry.dependencies[need] : undefined
      if (!exclusive || typeof wired !== 'string') continue
      const target = entries.get(wired)
      if (target?.enabled !== true || target.component.provides.name !== kind.name) continue
      const owners = owned.get(wired)
      if (owners === undefined) owned.set(wired, [{ name, need }])
      else owners.push({ name, need })
    }
  }
  return owned
}

const checkCycles = (edges: ReadonlyMap<string, readonly Edge[]>, problems: ConfigProblem[]): void => {
  for (const { names, path } of findCycles(edges, mostCycles)) {
    const half = longestCycle / 2
    const shown =
      names.length <= longestCycle
        ? names
        : [...names.slice(0, half), `(${names.length - longestCycle} more)`, ...names.slice(-half)]
    problems.push({
      path: [names[0]!, ...path],
      message: `a cycle of dependencies, none of which can start first: ${shown.join(' → ')}`,
    })
  }
}
