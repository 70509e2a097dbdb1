import { describe, expect, it } from 'vitest'
import { findCycles } from './cycles.ts'
import { dependentsOf, startWaves } from './start-order.ts'

const graph = (edges: Record<string, string[]>) => new Map(Object.entries(edges))

describe('startWaves', () => {
  it('puts each component into the first wave after all it depends on, in the order of the config', () => {
    const waves = startWaves(graph({ d: ['b', 'a'], c: ['a'], b: ['a'], a: [], e: [] }))
    expect(waves).toEqual([['a', 'e'], ['c', 'b'], ['d']])
  })

  it('does not depend on the order in which dependencies are listed', () => {
    expect(startWaves(graph({ a: ['b', 'c'], b: [], c: [] }))).toEqual(
      startWaves(graph({ a: ['c', 'b'], b: [], c: [] })),
    )
  })

  it('takes a component that is listed twice for one', () => {
    expect(startWaves(graph({ a: ['b', 'b'], b: [] }))).toEqual([['b'], ['a']])
  })

  it('orders a chain of 10,000', () => {
    const chain = new Map(Array.from({ length: 10_000 }, (_, i) => [`c${i}`, i === 0 ? [] : [`c${i - 1}`]]))
    expect(startWaves(chain)).toHaveLength(10_000)
  })

  it('refuses a cycle, and a name that is not in the graph', () => {
    expect(() => startWaves(graph({ a: ['b'], b: ['a'] }))).toThrow('cycle')
    expect(() => dependentsOf(graph({ a: ['b'] }))).toThrow('a depends on b, which is not in the graph')
  })
})

describe('findCycles', () => {
  const cyclesOf = (edges: Record<string, string[]>, limit = 10) =>
    findCycles(
      new Map(
        Object.entries(edges).map(([name, to]) => [name, to.map((each, index) => ({ to: each, path: [index] }))]),
      ),
      limit,
    )

  it('finds none where there are none', () => {
    expect(cyclesOf({ a: ['b', 'c'], b: ['c'], c: [] })).toEqual([])
  })

  it('finds each once, with the place of its first step', () => {
    const cycles = cyclesOf({ a: ['x', 'b'], x: [], b: ['c'], c: ['a', 'b'], d: ['d'], e: ['a'] })
    expect(cycles).toEqual([
      { names: ['a', 'b', 'c', 'a'], path: [1] },
      { names: ['b', 'c', 'b'], path: [0] },
      { names: ['d', 'd'], path: [0] },
    ])
  })

  it('stops at the limit', () => {
    expect(cyclesOf({ a: ['a'], b: ['b'], c: ['c'] }, 2)).toHaveLength(2)
  })

  it('walks a ring of 10,000', () => {
    const ring = Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`c${i}`, [`c${(i + 1) % 10_000}`]]))
    expect(cyclesOf(ring)[0]!.names).toHaveLength(10_001)
  })
})
