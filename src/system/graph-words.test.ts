import { describe, expect, it } from 'vitest'
import type { GraphNode } from './graph-model.ts'
import { caption, kindWords, ownProblems, roleLabel, shownName, stateWords, wrapped } from './graph-words.ts'

const node = (more: Partial<GraphNode> = {}): GraphNode => ({
  ...{ name: 'server', defined: true, kind: 'Listener', variant: undefined, place: undefined, description: undefined },
  ...{ enabled: true, state: undefined, startMs: undefined, blockedBy: [], error: undefined, problems: [] },
  ...more,
})
const edge = { from: 'server', to: 'logger', role: 'logger', index: undefined, active: true, problem: undefined }

describe('the state of a component, in words', () => {
  it.each([
    [{ defined: false }, 'no such component'],
    [{ enabled: false }, 'disabled'],
    [{ state: 'running' }, 'running'],
    [{ state: 'running', startMs: 1.26 }, 'running, 1.3 ms'],
    [{ state: 'blocked' }, 'blocked'],
    [{ state: 'blocked', blockedBy: ['store', 'logger'] }, 'blocked by store, logger'],
    [{ state: 'failed', error: 'the port is taken' }, 'failed: the port is taken'],
    [{ state: 'stopped' }, 'stopped'],
    [{ state: 'running', planned: { verdict: 'keep', reasons: [] } }, 'keep'],
    [{ planned: { verdict: 'swap', reasons: ['a.ts changed', 'b is swapped'] } }, 'swap: a.ts changed, b is swapped'],
    [{}, undefined],
  ] as [Partial<GraphNode>, string | undefined][])('%o', (more, words) => {
    expect(stateWords(node(more))).toBe(words)
  })
})

it('names a component, its kind and its roles', () => {
  expect([shownName(node()), shownName(node({ name: ' ' }))]).toEqual(['server', "''"])
  expect([
    kindWords(node({ kind: undefined })),
    kindWords(node()),
    kindWords(node({ kind: 'PipelineStage', variant: 'decoder', place: 1 })),
  ]).toEqual([undefined, 'Listener', 'PipelineStage 1: decoder'])
  expect([roleLabel(edge), roleLabel({ ...edge, index: 2 })]).toEqual(['logger', 'logger[2]'])
})

it('counts components, dependencies and problems', () => {
  const problem = { path: ['server', 'config', 'port'], message: 'must be a number' }
  expect(caption({ nodes: [node()], edges: [], problems: [] })).toBe('1 component, 0 dependencies')
  const nodes = [node({ problems: [problem] }), node({ defined: false })]
  expect(caption({ nodes, edges: [edge], problems: [] })).toBe('1 component, 1 dependency, 1 problem')
  expect(caption({ nodes, edges: [edge], problems: [problem] })).toBe('1 component, 1 dependency, 2 problems')
})

it('lists the problems that no dependency shows', () => {
  const problems = [
    { path: ['server'], message: 'it is no entry' },
    { path: ['server', 'config', 'port'], message: 'must be a number' },
    { path: ['server', 'dependencies', 'logger'], message: 'there is none' },
    { path: ['server', 'dependencies', 'pipeline', 1], message: 'there is none' },
  ]
  const wrong = { ...edge, problem: 'missing' }
  const graph = { nodes: [], edges: [wrong, { ...wrong, role: 'pipeline', index: 0 }], problems: [] }
  expect(ownProblems(graph, node({ problems }))).toEqual([
    'it is no entry',
    'config.port: must be a number',
    'dependencies.pipeline[1]: there is none',
  ])
})

it('breaks a text between words, and ends it after some lines', () => {
  expect(wrapped('one two three four', 8, 9)).toEqual(['one two', 'three', 'four'])
  expect(wrapped('one two three four', 8, 2)).toEqual(['one two', 'three ...'])
})
