import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type SystemGraph, systemGraph, toDot } from '../../src/system/graph.ts'
import { runs } from '../../test/helpers/full-run.ts'
import { broker } from './fixtures/broker.config.ts'
import { renderSvg } from './render.ts'
import { renderPng } from './render-png.ts'

/** A ring of components with these names, and those names for its roles, descriptions, kinds and problems too. */
const ring = (names: readonly string[]): SystemGraph => {
  const [node] = systemGraph({ logger: broker.logger }).nodes
  return {
    nodes: names.map((name) => ({ ...node!, name, kind: name, description: name, error: name, state: 'failed' })),
    edges: names.map((from, index) => ({
      from,
      to: names[(index + 1) % names.length]!,
      role: from,
      index,
      active: true,
      problem: from,
    })),
    problems: [{ path: [], message: names.join(' ') }],
  }
}

/** The lines of each node of an SVG, as they are read on the screen. */
const nodeTexts = (svg: string): string[][] =>
  [...svg.matchAll(/<g id="node[\s\S]*?<\/g>/g)].map(([group]) =>
    [...group.matchAll(/<text [^>]*>([^<]*)<\/text>/g)].map(([, text]) =>
      text!
        .replace(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)))
        .replace(/&(lt|gt|quot|amp);/g, (_, name: 'lt') => ({ lt: '<', gt: '>', quot: '"', amp: '&' })[name]),
    ),
  )

describe('the SVG', () => {
  it('shows every component by name, kind and description, and every role', async () => {
    const graph = systemGraph(broker)
    const svg = await renderSvg(toDot(graph))
    expect(nodeTexts(svg)).toContainEqual(['server', 'Listener', '127.0.0.1:1883'])
    expect(nodeTexts(svg).map(([name]) => name)).toEqual(expect.arrayContaining(Object.keys(broker)))
    for (const label of ['pipeline[0]', 'pipeline[3]', 'router', 'logger']) expect(svg).toContain(`;${label}</text>`)
    expect([...svg.matchAll(/<g id="edge/g)]).toHaveLength(graph.edges.length)
  })

  it('draws the pipeline in one row from left to right, with straight lines to its stages', async () => {
    const svg = await renderSvg(toDot(systemGraph(broker)))
    const stages = ['mqttDecoder', 'packetLog', 'mqttHandler', 'mqttEncoder']
    const places = stages.map((name) => {
      const [, x, y] = svg.match(new RegExp(`x="([-.\\d]+)" y="([-.\\d]+)"[^>]*>${name}</text>`))!
      return { x: Number(x), y: Number(y) }
    })
    expect(places.map(({ x }) => x)).toEqual(places.map(({ x }) => x).toSorted((a, b) => a - b))
    expect(Math.max(...places.map(({ y }) => y)) - Math.min(...places.map(({ y }) => y))).toBeLessThan(20)
    for (const name of stages) {
      const [, path] = svg.match(new RegExp(`<title>server&#45;&gt;${name}</title>\\s*<path [^>]*d="([^"]+)"`))!
      // A line without a bend is one Bezier curve: where it begins, and three points more.
      expect(path!.match(/[-.\d]+,[-.\d]+/g)).toHaveLength(4)
    }
  })

  it('has a title for screen readers', async () => {
    expect(await renderSvg(toDot(systemGraph(broker)))).toMatch(
      /<svg role="img"[^>]*>\s*<title>7 components, 8 dependencies<\/title>/,
    )
  })

  it('can be drawn with any characters in names', async () => {
    const name = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom(...'\\"nlrNGE{}|<>&;#amp \n\0') }),
    )
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(name, { minLength: 1, maxLength: 6 }), async (names) => {
        const svg = await renderSvg(toDot(ring(names)))
        const drawn = nodeTexts(svg).map(([first]) => first?.replace(/[\s\u00a0]+/g, ' '))
        expect(drawn).toHaveLength(names.length)
        const seen = names.map((each) =>
          each
            .replace(/\s+/gu, ' ')
            .replace(/[\p{Cc}\p{Cf}\p{Cs}\ufffe\uffff]/gu, (letter) => `\\u{${letter.codePointAt(0)?.toString(16)}}`)
            .trim(),
        )
        expect(drawn).toEqual(seen.map((each) => each || "''"))
      }),
      { numRuns: runs(50) },
    )
  })

  it('reports the part that Graphviz could not read', async () => {
    await expect(renderSvg('digraph { a -> ')).rejects.toThrow(/Graphviz cannot read.*syntax error in line 1/)
  })
})

describe('the PNG', () => {
  it('is one, with words in it', async () => {
    const svg = await renderSvg(toDot(systemGraph(broker)))
    let png: Buffer
    try {
      png = renderPng(svg)
    } catch (error) {
      // A machine without fonts: the error is the feature then.
      expect((error as Error).message).toMatch(/needs a font/)
      return
    }
    expect([...png.subarray(0, 8)]).toEqual([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
    expect(png.equals(renderPng(svg.replace(/<text [\s\S]*?<\/text>/g, '')))).toBe(false)
  })

  it('is refused where there is no font, since it would have no words', async () => {
    const svg = await renderSvg(toDot(systemGraph(broker)))
    expect(() => renderPng(svg, { loadSystemFonts: false })).toThrow(/needs a font.*--format svg/)
  })
})
