/**
 * The wiring of a system as plain data, for diagrams. It can be made from an invalid config: problems become part of the
 * picture.
 */

import { type CheckedConfig, checkConfig } from './check-config.ts'
import type { ComponentStatus } from './component-status.ts'
import type { AnyComponent } from './define-system.ts'
import { isReadable } from './is-readable.ts'
import { type Need, needOf } from './kind.ts'
import type { ResetPlan } from './reset-plan.ts'
import { messageOf } from './system-error.ts'
import type { GraphEdge, GraphNode, SystemGraph } from './system-graph.ts'

export type { GraphEdge, GraphNode, SystemGraph } from './system-graph.ts'

/**
 * The wiring of a config and, when a status is given, the state of each component. Never throws: an invalid config has
 * `problem` and `problems` where it is wrong.
 * @param config the default export of a system config, of any type.
 * @param plan a plan for this config: what becomes of each component is then shown instead of its state.
 */
export const systemGraph = (
  config: unknown,
  status: readonly ComponentStatus[] = [],
  plan?: Pick<ResetPlan, 'parts'>,
): SystemGraph => {
  const entries = entriesOf(config)
  const checked = checkConfig(config)
  const statusByName = new Map(status.map((each) => [each.name, each]))
  const edges = markCycles(
    markOwners(
      [...entries.values()].flatMap((entry) => edgesOf(entry, entries)),
      entries,
    ),
  )
  const places = placesOf(edges, entries)
  const missing = new Set(edges.map((edge) => edge.to).filter((name) => !entries.has(name)))
  return {
    nodes: [
      ...[...entries.values()].map((entry) => ({
        ...nodeOf(entry, checked, statusByName.get(entry.name)),
        ...plannedFor(entry.name, plan),
        place: places.get(entry.name),
      })),
      ...[...missing].map(ghostNode),
    ],
    edges,
    problems: checked.problems.filter(({ path }) => !entries.has(String(path[0]))),
  }
}

const plannedFor = (name: string, plan: Pick<ResetPlan, 'parts'> | undefined): Pick<GraphNode, 'planned'> => {
  const part = plan?.parts.find((each) => each.name === name)
  return part === undefined ? {} : { planned: { verdict: part.verdict, reasons: part.reasons } }
}

/** An entry of the config, as far as it can be read. */
interface ReadableEntry {
  readonly name: string
  readonly component: AnyComponent | undefined
  readonly needs: Readonly<Record<string, Need>>
  readonly enabled: boolean
  readonly dependencies: Readonly<Record<string, unknown>>
}
type ReadableEntries = ReadonlyMap<string, ReadableEntry>

const entriesOf = (config: unknown): ReadableEntries =>
  new Map(
    Object.entries(recordOf(config)).map(([name, value]) => {
      const entry = recordOf(value)
      const component = isReadable(entry['component']) ? entry['component'] : undefined
      return [
        name,
        {
          name,
          component,
          needs: component?.needs ?? {},
          enabled: entry['enabled'] !== false,
          dependencies: recordOf(entry['dependencies']),
        },
      ]
    }),
  )

const recordOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}

const nodeOf = (
  entry: ReadableEntry,
  checked: CheckedConfig,
  status: ComponentStatus | undefined,
): Omit<GraphNode, 'place'> => {
  const problems = checked.problems.filter(({ path }) => path[0] === entry.name)
  let description: string | undefined
  try {
    if (Object.hasOwn(checked.configs, entry.name)) {
      description = entry.component?.describe?.(checked.configs[entry.name])
    }
  } catch (error) {
    problems.push({ path: [entry.name, 'component', 'describe'], message: `describe failed: ${messageOf(error)}` })
  }
  return {
    name: entry.name,
    defined: true,
    kind: entry.component?.provides.name,
    variant: entry.component?.provides.variant,
    description,
    enabled: entry.enabled,
    state: status?.state,
    startMs: status?.startMs,
    blockedBy: status?.blockedBy ?? [],
    error: status?.error === undefined ? undefined : messageOf(status.error),
    problems,
  }
}

const ghostNode = (name: string): GraphNode => ({
  name,
  defined: false,
  kind: undefined,
  variant: undefined,
  place: undefined,
  description: undefined,
  enabled: true,
  state: undefined,
  startMs: undefined,
  blockedBy: [],
  error: undefined,
  problems: [],
})

const edgesOf = (entry: ReadableEntry, entries: ReadableEntries): GraphEdge[] => {
  const isAll = (role: string): boolean => Object.hasOwn(entry.needs, role) && needOf(entry.needs[role]!).mode === 'all'
  const stated = Object.keys(entry.needs).filter((role) => Object.hasOwn(entry.dependencies, role) || isAll(role))
  const unknown = Object.keys(entry.dependencies).filter((role) => !Object.hasOwn(entry.needs, role))
  return [...stated, ...unknown].flatMap((role) => {
    const wired = entry.dependencies[role] ?? (isAll(role) ? allFor(entry, role, entries) : undefined)
    const list = Array.isArray(wired)
    return (list ? wired : [wired]).flatMap((to: unknown, position) => {
      // A value that is not a name makes no edge. The check of the config reports it for the component.
      if (typeof to !== 'string') return []
      const target = entries.get(to)
      const active = entry.enabled && target?.enabled === true
      const index = list ? position : undefined
      const again = list && wired.indexOf(to) < position ? 'listed twice' : undefined
      const problem = edgeProblem(entry, role, list, target) ?? again
      return [{ from: entry.name, to, role, index, active, problem }]
    })
  })
}

/** The place of each component in the lists that name it, from 1: of lists of several, whose order has a meaning. */
const placesOf = (edges: readonly GraphEdge[], entries: ReadableEntries): ReadonlyMap<string, number | undefined> => {
  const places = new Map<string, number | undefined>()
  for (const list of orderedLists(edges)) {
    const { from, role } = list[0]!
    const need = entries.get(from)?.needs[role]
    if (need === undefined || needOf(need).mode !== 'many') continue
    for (const { to, index } of list) {
      const place = index! + 1
      places.set(to, places.has(to) && places.get(to) !== place ? undefined : place)
    }
  }
  return places
}

/** The edges of each list of several components, in their order. */
export const orderedLists = (edges: readonly GraphEdge[]): readonly (readonly GraphEdge[])[] => {
  const lists = new Map<string, GraphEdge[]>()
  for (const edge of edges) {
    if (edge.index === undefined) continue
    const key = JSON.stringify([edge.from, edge.role])
    lists.set(key, [...(lists.get(key) ?? []), edge])
  }
  return [...lists.values()].filter((list) => list.length > 1)
}

/** The enabled components of the kind of which the role needs all. */
const allFor = (entry: ReadableEntry, role: string, entries: ReadableEntries): readonly string[] => {
  const { kind } = needOf(entry.needs[role]!)
  const others = [...entries.values()].filter(({ name, enabled }) => enabled && name !== entry.name)
  return others.filter(({ component }) => component?.provides.name === kind.name).map(({ name }) => name)
}

const edgeProblem = (
  entry: ReadableEntry,
  role: string,
  list: boolean,
  target: ReadableEntry | undefined,
): string | undefined => {
  if (target === undefined) return 'no such component'
  if (entry.component === undefined || target.component === undefined) return undefined
  const need = Object.hasOwn(entry.needs, role) ? entry.needs[role] : undefined
  if (need === undefined) return 'no such need'
  const { kind, mode } = needOf(need)
  const found = target.component.provides.name
  if (kind.name !== found) return `needs ${kind.name}, not ${found}`
  if (mode === 'all') return Object.hasOwn(entry.dependencies, role) ? 'is not wired' : undefined
  if (list && mode !== 'many') return 'takes one, not a list'
  if (!list && mode === 'many') return 'takes a list'
  if (entry.enabled && !target.enabled && mode === 'one') return 'needed, but disabled'
  return undefined
}

/**
 * A component that is needed exclusively belongs to the first component that needs it so. The edges of the others are wrong.
 */
const markOwners = (edges: readonly GraphEdge[], entries: ReadableEntries): readonly GraphEdge[] => {
  const owners = new Map<string, string>()
  return edges.map((edge) => {
    const need = entries.get(edge.from)?.needs[edge.role]
    if (!edge.active || edge.problem !== undefined || need === undefined || !needOf(need).exclusive) return edge
    const owner = owners.get(edge.to)
    if (owner !== undefined) return { ...edge, problem: `owned by ${owner}` }
    owners.set(edge.to, edge.from)
    return edge
  })
}

/** An edge lies on a cycle when its end leads back to its start. Disabled components do not start, so they close none. */
const markCycles = (edges: readonly GraphEdge[]): readonly GraphEdge[] => {
  const next = new Map<string, string[]>()
  for (const { from, to, active } of edges) {
    if (active) next.set(from, [...(next.get(from) ?? []), to])
  }
  const leads = (from: string, goal: string): boolean => {
    const seen = new Set([from])
    for (const name of seen) for (const to of next.get(name) ?? []) seen.add(to)
    return seen.has(goal)
  }
  return edges.map((edge) =>
    edge.active && edge.problem === undefined && leads(edge.to, edge.from) ? { ...edge, problem: 'cycle' } : edge,
  )
}
