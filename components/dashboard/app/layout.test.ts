import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fakeComponents, fakeGraph } from '../../../test/helpers/fake-admin/data.ts'
import { edgeRate } from './edge-rates.ts'
import { edgeKey, layoutGraph, pathOf } from './layout.ts'

const SIZES = { nodeWidth: 100, nodeHeight: 40, layerGap: 50, rowGap: 10 }

const graphs = fc.integer({ min: 1, max: 14 }).chain((count) => {
  const name = fc.nat(count - 1).map((index) => `n${index}`)
  return fc.record({
    nodes: fc.constant(Array.from({ length: count }, (_, index) => `n${index}`)),
    edges: fc.array(fc.record({ from: name, to: name }), { maxLength: 40 }),
  })
})

test('boxes never overlap, and every edge ends at its boxes, also with cycles', () => {
  fc.assert(
    fc.property(graphs, (graph) => {
      const layout = layoutGraph(graph, SIZES)
      const boxes = [...layout.nodes.values()]
      expect(boxes.length).toBe(graph.nodes.length)
      for (const [index, a] of boxes.entries()) {
        expect(a.x >= 0 && a.y >= 0 && a.x + 100 <= layout.width && a.y + 40 <= layout.height).toBe(true)
        for (const b of boxes.slice(index + 1))
          expect(Math.abs(a.x - b.x) >= 150 || Math.abs(a.y - b.y) >= 50).toBe(true)
      }
      for (const { from, to } of graph.edges.filter((edge) => edge.from !== edge.to)) {
        const points = layout.edges.get(edgeKey(from, to))!
        const [start, end] = [layout.nodes.get(from)!, layout.nodes.get(to)!]
        expect(points[0]).toEqual({ x: start.x + 100, y: start.y + 20 })
        expect(points.at(-1)).toEqual({ x: end.x, y: end.y + 20 })
      }
    }),
  )
})

test('a component stands to the left of what it depends on, as near as possible', () => {
  const edges = ['a b', 'b c', 'x c'].map((pair) => ({ from: pair[0]!, to: pair[2]! }))
  const { nodes } = layoutGraph({ nodes: ['a', 'b', 'c', 'x', 'alone'], edges }, SIZES)
  const layers = Object.fromEntries([...nodes].map(([name, { x }]) => [name, x / 150]))
  expect(layers).toEqual({ a: 0, b: 1, c: 2, x: 1, alone: 2 })
})

test('two layers are ordered so that no edges cross', () => {
  const edges = ['a 3', 'b 2', 'c 1'].map((pair) => ({ from: pair[0]!, to: pair[2]! }))
  const { nodes } = layoutGraph({ nodes: ['a', 'b', 'c', '1', '2', '3'], edges }, SIZES)
  const rows = ['a', 'b', 'c'].map((name) => nodes.get(name)!.y)
  expect(['3', '2', '1'].map((name) => nodes.get(name)!.y)).toEqual(rows)
})

test('an empty graph has no size, and edges of unknown nodes are ignored', () => {
  expect(layoutGraph({ nodes: [], edges: [{ from: 'a', to: 'b' }] }, SIZES)).toMatchObject({ width: 0, height: 0 })
})

test('a path is a line where it is level, and a curve elsewhere', () => {
  const points = [
    { x: 0, y: 0 },
    { x: 10, y: 0 },
    { x: 20, y: 8 },
  ]
  expect(pathOf(points)).toBe('M0 0L10 0C15 0 15 8 20 8')
  expect(pathOf([])).toBe('')
})

test('rates belong to the edges that packets and messages take', () => {
  const rates = {
    ...{ messagesIn: 1, messagesOut: 2, packetsIn: 3, packetsOut: 4, bytesIn: 0, bytesOut: 0, dropped: 0, refused: 0 },
  }
  const graph = fakeGraph(fakeComponents())
  const found = graph.edges
    .map((edge) => [`${edge.from} ${edge.to}`, edgeRate(edge, graph, rates)] as const)
    .filter(([, rate]) => rate !== undefined)
  expect(Object.fromEntries(found)).toEqual({
    'server mqttDecoder': { value: 3, unit: 'packets' },
    'server mqttEncoder': { value: 4, unit: 'packets' },
    'mqttHandler broker': { value: 1, unit: 'messages' },
    'broker router': { value: 2, unit: 'messages' },
  })
  const edge = graph.edges[0]!
  expect(edgeRate({ ...edge, rate: 7 }, graph, undefined)).toEqual({ value: 7, unit: 'messages' })
  expect(edgeRate({ ...edge, active: false }, graph, rates)).toBeUndefined()
  expect(edgeRate({ ...edge, to: 'nothing' }, graph, rates)).toBeUndefined()
})
