/** Plans a reset: what becomes of each component, and why. Pure: of the functions of components it calls only `exclusive` and `fixed`. */

import { isDeepStrictEqual } from 'node:util'
import type { AnyComponent } from './component.ts'
import { configDifferences, isWrittenAlike } from './config-differences.ts'
import { needOf } from './kind.ts'
import type { PlannedConnections, PlannedPart, ResetPlan, Verdict } from './reset-plan.ts'
import type { Wire } from './wiring.ts'

/** An enabled component of a config that has no problems. */
export interface PlanEntry {
  readonly component: AnyComponent
  /** As written in the system config. */
  readonly written: unknown
  /** As parsed by the component's schema. */
  readonly config: unknown
  /** The hashes of the files that the config names, by path. */
  readonly files: ReadonlyMap<string, string>
  readonly wires: readonly Wire[]
}

/** A component that runs. */
export interface RunningEntry extends PlanEntry {
  /** Its open connections by the name of the component that accepted them; undefined for a component that has none. */
  readonly connections?: Readonly<Record<string, number>> | undefined
}

export interface PlanOptions {
  /** Components whose `adjust` has refused this change. */
  readonly refused?: ReadonlySet<string>
  /** Components whose successor cannot continue from their state, as its `rehearse` said. */
  readonly broken?: ReadonlySet<string>
  /** The files whose change made the component another one, as far as they are known. */
  readonly changedFiles?: (name: string) => readonly string[]
}

/** The plan, and what the transaction needs to know beyond it. */
export interface DetailedPlan extends ResetPlan {
  /**
   * Components that can start only after the cut-over: they depend on one that is passive or unchanged until then, or that is late
   * itself.
   */
  readonly late: ReadonlySet<string>
  /** Running components that end before anything is created: those that are restarted, and those that hold what another one needs. */
  readonly endFirst: ReadonlySet<string>
}

/**
 * @param running the components that run, by name.
 * @param next those of the new config, in the order in which they start.
 */
export const planReset = (
  running: ReadonlyMap<string, RunningEntry>,
  next: ReadonlyMap<string, PlanEntry>,
  options: PlanOptions = {},
): DetailedPlan => {
  const judged = judgeAll(running, next, options)
  const parts: PlannedPart[] = [...judged].map(([name, { verdict, reasons }]) => ({
    name,
    kind: next.get(name)!.component.provides.name,
    verdict,
    reasons,
  }))
  for (const [name, { component }] of running) {
    if (next.has(name)) continue
    parts.push({ name, kind: component.provides.name, verdict: 'stop', reasons: ['removed or disabled'] })
  }
  const verdicts = new Map(parts.map(({ name, verdict }) => [name, verdict]))
  return {
    parts,
    connections: connectionsOf(running, judged, verdicts),
    late: new Set([...judged].filter(([, { late }]) => late).map(([name]) => name)),
    endFirst: endingFirst(running, next, verdicts, judged),
  }
}

/** Judges all components, again as long as one that is restarted owns one that is not. */
const judgeAll = (
  running: ReadonlyMap<string, RunningEntry>,
  next: ReadonlyMap<string, PlanEntry>,
  options: PlanOptions,
): ReadonlyMap<string, Judged> => {
  /** By name: the owner that is restarted. */
  const lost = new Map<string, string>()
  for (;;) {
    const judged = new Map<string, Judged>()
    const known = lost.size
    for (const [name, entry] of next) {
      const verdict = judge(name, running.get(name), entry, { judged, next, options, owner: lost.get(name) })
      judged.set(name, verdict)
    }
    for (const [name, entry] of next) {
      if (judged.get(name)!.verdict !== 'restart') continue
      for (const owned of ownedBy(entry)) if (!ends(judged.get(owned)!.verdict)) lost.set(owned, name)
    }
    if (lost.size === known) return judged
  }
}

/** What a component needs exclusively: what it left there when it stopped would be met by its successor. */
const ownedBy = ({ component, wires }: PlanEntry): readonly string[] =>
  wires.filter(({ need }) => needOf(component.needs[need]).exclusive).flatMap(({ names }) => names)

const ends = (verdict: Verdict): boolean => verdict === 'restart' || verdict === 'start'

interface Judged {
  readonly verdict: Verdict
  readonly reasons: readonly string[]
  readonly late: boolean
  /** Whether its dependents have to start again. */
  readonly lost: boolean
  /** Whether a component that it depends on directly is another instance. */
  readonly rewired: boolean
}

interface JudgeContext {
  /** The components before it in start order. */
  readonly judged: ReadonlyMap<string, Judged>
  readonly next: ReadonlyMap<string, PlanEntry>
  readonly options: PlanOptions
  /** The component that owns it and is restarted. */
  readonly owner: string | undefined
}

const judge = (
  name: string,
  old: RunningEntry | undefined,
  entry: PlanEntry,
  { judged, next, options, owner }: JudgeContext,
): Judged => {
  const dependencies = [...new Set(entry.wires.flatMap(({ names }) => names))]
  const late = dependencies.some((each) => isUnsettled(judged.get(each)!, next.get(each)!.component))
  if (old === undefined) {
    return { verdict: 'start', reasons: ['does not run'], late, lost: late, rewired: false }
  }
  const { component } = entry
  const restart = (reasons: readonly string[]): Judged => {
    const lost = late || !component.provides.stateless
    return { verdict: 'restart', reasons, late, lost, rewired: false }
  }
  if (old.component.provides.name !== component.provides.name) {
    const reasons = [`provides ${component.provides.name} instead of ${old.component.provides.name}`]
    return { ...restart(reasons), lost: true }
  }
  const code = codeReasons(name, old, entry, options)
  const wires = wireReasons(old.wires, entry.wires)
  const neighbours = dependencies.flatMap((each) => neighbourReason(each, judged.get(each)!))
  if (owner !== undefined) neighbours.push(`${owner} is restarted`)
  const own = [...code, ...configReasons(old, entry), ...fileReasons(old.files, entry.files), ...wires]
  const reasons = [...own, ...neighbours]
  if (owner !== undefined) return restart(reasons)
  // Its predecessor holds instances that end before the cut-over.
  if (dependencies.some((each) => judged.get(each)!.lost)) return restart(reasons)
  if (!isDeepStrictEqual(said(old, 'fixed'), said(entry, 'fixed'))) return restart(reasons)
  const keptOn = { reasons, late: false, lost: false }
  if (reasons.length === 0) return { ...keptOn, verdict: 'keep', rewired: false }
  const rewired = wires.length + neighbours.length > 0
  const adjustable = code.length === 0 && component.adjust !== undefined && options.refused?.has(name) !== true
  if (adjustable) return { ...keptOn, verdict: 'adjust', rewired }
  const swappable = options.broken?.has(name) !== true && canFollow(old.component, component)
  return swappable ? { ...keptOn, verdict: 'swap', rewired: true } : restart(reasons)
}

/** Whether it is passive or unchanged until the cut-over, so that a component that needs it cannot start before. */
const isUnsettled = ({ verdict, late }: Judged, { provides }: AnyComponent): boolean =>
  late || verdict === 'swap' || (verdict === 'adjust' && !provides.stateless)

const codeReasons = (
  name: string,
  old: PlanEntry,
  { component }: PlanEntry,
  { changedFiles }: PlanOptions,
): readonly string[] => {
  if (old.component === component) return []
  const files = changedFiles?.(name) ?? []
  return files.length === 0 ? ['its code changed'] : files.map((file) => `${file} changed`)
}

const configReasons = (old: PlanEntry, entry: PlanEntry): readonly string[] => {
  // Another component parses with another schema: what its classes are called does not tell whether anything changed.
  const writtenAlike = isWrittenAlike(old.written, entry.written)
  if (old.component !== entry.component && writtenAlike) return []
  return configDifferences(old.config, entry.config, ['config'], writtenAlike)
}

const fileReasons = (before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): readonly string[] =>
  [...after].filter(([path, hash]) => before.has(path) && before.get(path) !== hash).map(([path]) => `${path} changed`)

const wireReasons = (before: readonly Wire[], after: readonly Wire[]): readonly string[] =>
  after
    .filter(({ need, names }) => names.join() !== (before.find((wire) => wire.need === need)?.names.join() ?? ''))
    .map(({ need }) => `dependencies.${need}`)

const neighbourReason = (name: string, { verdict }: Judged): readonly string[] => {
  if (verdict === 'swap') return [`${name} is swapped`]
  return verdict === 'restart' ? [`${name} is restarted`] : []
}

/** Whether an instance of one component can continue from the state of an instance of the other. */
const canFollow = ({ handover: old }: AnyComponent, { handover }: AnyComponent): boolean => {
  if (old === undefined || handover === undefined || old.format !== handover.format) return false
  if (old.version > handover.version) return false
  for (let version = old.version; version < handover.version; version += 1) {
    if (handover.migrate?.[version] === undefined) return false
  }
  return true
}

/** Restarted components, those whose resources are needed, and what depends on them and ends as well. */
const endingFirst = (
  running: ReadonlyMap<string, RunningEntry>,
  next: ReadonlyMap<string, PlanEntry>,
  verdicts: ReadonlyMap<string, Verdict>,
  judged: ReadonlyMap<string, Judged>,
): ReadonlySet<string> => {
  const begins = [...next].filter(([name]) => ['start', 'restart'].includes(verdicts.get(name)!))
  const wanted = new Set(begins.flatMap(([, entry]) => exclusives(entry) ?? []))
  const kinds = new Set(begins.map(([, { component }]) => component.provides.name))
  /** Without `exclusive`, two of a kind may hold the same. */
  const conflicts = (entry: PlanEntry): boolean => {
    const held = exclusives(entry)
    return held === undefined ? kinds.has(entry.component.provides.name) : held.some((each) => wanted.has(each))
  }
  const first = [...running].filter(([name, entry]) => {
    const verdict = verdicts.get(name)
    if (verdict === 'restart') return judged.get(name)!.lost || !canOverlap(entry, next.get(name)!)
    return verdict === 'stop' && conflicts(entry)
  })
  const names = new Set(first.map(([name]) => name))
  // Others that only stop do so at the end of the reset, but not after what they depend on.
  for (const ending of names) {
    for (const [name, { wires }] of running) {
      if (verdicts.get(name) === 'stop' && wires.some((wire) => wire.names.includes(ending))) names.add(name)
    }
  }
  return names
}

/** Whether a restarted component can start while its predecessor still runs, so that its dependents are never without it. */
const canOverlap = (old: PlanEntry, entry: PlanEntry): boolean => {
  if (old.component.suspend !== undefined && entry.component.resume !== undefined) return false
  const held = exclusives(old) ?? []
  return !(exclusives(entry) ?? []).some((each) => held.includes(each))
}

const exclusives = (entry: PlanEntry): readonly string[] | undefined => said(entry, 'exclusive')

/** If the function of the component throws, the component counts as one without it. */
const said = ({ component, config }: PlanEntry, what: 'exclusive' | 'fixed'): readonly string[] | undefined => {
  try {
    return component[what]?.(config)
  } catch {
    return undefined
  }
}

/** What becomes of the connections: by the component that accepted them, and by the one that serves them. */
const connectionsOf = (
  running: ReadonlyMap<string, RunningEntry>,
  judged: ReadonlyMap<string, Judged>,
  verdicts: ReadonlyMap<string, Verdict>,
): readonly PlannedConnections[] =>
  [...running].flatMap(([owner, { connections = {} }]) =>
    Object.entries(connections).map(([listener, open]): PlannedConnections => {
      const ends = [owner, listener].some((name) => ['restart', 'stop'].includes(verdicts.get(name) ?? 'keep'))
      const repiped = !ends && judged.get(owner)?.rewired === true
      return {
        listener,
        keptUntouched: ends || repiped ? 0 : open,
        repiped: repiped ? open : 0,
        closed: ends ? open : 0,
      }
    }),
  )
