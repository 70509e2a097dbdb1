import { expect, test } from 'vitest'
import type { Graph, ResetPlan } from './contract.ts'
import { changesOf, isSamePlan, keptOf, planSentence, touchedClients, withPlan } from './reset-plan.ts'

const part = (name: string, verdict: ResetPlan['parts'][number]['verdict'], ...reasons: string[]) => ({
  ...{ name, kind: 'Kind', verdict, reasons },
})

const plan: ResetPlan = {
  parts: [part('router', 'keep'), part('broker', 'adjust', 'config.maximumQueue'), part('tls', 'stop', 'removed')],
  connections: [
    { listener: 'server', keptUntouched: 0, repiped: 1_200, closed: 0 },
    { listener: 'tls', keptUntouched: 1, repiped: 0, closed: 3 },
  ],
}

test('the sentence has the changes and the clients of all listeners', () => {
  expect(planSentence(plan)).toBe(
    '2 of 3 components change. 1 client is not touched, 1,200 kept with new pipelines, 3 disconnected.',
  )
  expect(touchedClients(plan)).toEqual({ untouched: 1, kept: 1_200, closed: 3 })
  expect(changesOf(plan).map(({ name }) => name)).toEqual(['broker', 'tls'])
  expect(keptOf(plan).map(({ name }) => name)).toEqual(['router'])
})

test('a plan that changes nothing says what a reload would do nevertheless', () => {
  expect(planSentence({ parts: [part('router', 'keep')], connections: [] })).toBe(
    'No component changes: a reload would only read the files of the components again. ' +
      '0 clients are not touched, 0 kept with new pipelines, 0 disconnected.',
  )
})

test('plans are the same if they do the same to the components, however many clients there are', () => {
  expect(isSamePlan(plan, { ...plan, connections: [] })).toBe(true)
  expect(isSamePlan(plan, { ...plan, parts: plan.parts.slice(0, 2) })).toBe(false)
})

test('the graph has the verdicts, and components that are new', () => {
  const graph: Graph = {
    nodes: ['router', 'broker', 'admin'].map((name) => ({ name, enabled: true, state: 'running', blockedBy: [] })),
    edges: [{ from: 'broker', to: 'router', role: 'router', active: true }],
  }
  const parts = [...plan.parts, part('webSocket', 'start', 'new')]
  const { nodes, edges } = withPlan(graph, { parts, connections: [] })
  expect(nodes.map(({ name, planned }) => [name, planned?.verdict])).toEqual([
    ['router', 'keep'],
    ['broker', 'adjust'],
    ['admin', undefined],
    ['webSocket', 'start'],
  ])
  expect(edges).toEqual(graph.edges)
})
