import { describe, expect, it } from 'vitest'
import { broker } from '../../scripts/graph/fixtures/broker.config.ts'
import { type GraphNode, type SystemGraph, systemGraph, toDot, toMermaid, toText } from './graph.ts'
import type { ComponentState } from './lifecycle.ts'
import type { Verdict } from './reset-plan.ts'

const { server } = broker
/** A port out of range, a component that does not exist and one of the wrong kind. */
const wrong = systemGraph({
  ...broker,
  server: {
    ...server,
    config: { port: 99_999 },
    dependencies: { ...server.dependencies, pipeline: ['mqttDecodr', 'router', 'mqttEncoder'] },
  },
})

const states: Partial<Record<string, { state: ComponentState; more?: Partial<GraphNode> }>> = {
  logger: { state: 'running', more: { startMs: 1.26 } },
  router: { state: 'failed', more: { error: 'out of\nroutes' } },
  mqttHandler: { state: 'blocked', more: { blockedBy: ['router'] } },
  server: { state: 'blocked', more: { blockedBy: ['mqttHandler', 'router'] } },
  mqttDecoder: { state: 'starting' },
  mqttEncoder: { state: 'stopped' },
}
const failed: SystemGraph = {
  ...systemGraph(broker),
  nodes: systemGraph(broker).nodes.map((node) => ({ ...node, ...states[node.name], ...states[node.name]?.more })),
}

/** A system of components that nothing connects, for what stands in names. */
const named = (...names: readonly string[]): SystemGraph => {
  const [node] = systemGraph({ logger: broker.logger }).nodes
  return { nodes: names.map((name) => ({ ...node!, name })), edges: [], problems: [] }
}

const lines = (text: string): readonly string[] => text.split('\n')
const line = (text: string, start: string): string | undefined => lines(text).find((each) => each.startsWith(start))

describe('a plan', () => {
  const part = (name: string, verdict: Verdict, reasons: readonly string[]) => ({ name, kind: '', verdict, reasons })
  const parts = [part('router', 'swap', ['a.ts changed']), part('server', 'keep', []), part('logger', 'restart', ['b'])]
  const planned = systemGraph(broker, [], { parts })

  it('colours each component by what becomes of it, and says why', () => {
    const dot = toDot(planned)
    expect(line(dot, '  "router" [')).toMatch(/swap: a\.ts changed".*fillcolor="#e3effd"/)
    expect(line(dot, '  "server" [')).toMatch(/keep".*fillcolor="#ffffff"/)
    expect(line(dot, '  "logger" [')).toMatch(/restart: b".*fillcolor="#fdeedb"/)
    expect(toText(planned)).toMatch(/router .* ⇄ swap: a\.ts changed/)
    expect(toMermaid(planned)).toContain('swap: a.ts changed')
  })

  it('is data of the node', () => {
    const node = planned.nodes.find(({ name }) => name === 'router')
    expect(node?.planned).toEqual({ verdict: 'swap', reasons: ['a.ts changed'] })
  })
})

describe('DOT', () => {
  it('has a node with its kind and what matters of its config', () => {
    expect(line(toDot(systemGraph(broker)), '  "server" [')).toContain('label="server\\nListener\\n127.0.0.1:1883"')
  })

  it('has an edge to each dependency with its role, and its place in a list', () => {
    const dot = toDot(systemGraph(broker))
    expect(lines(dot)).toContain('  "mqttHandler" -> "router" [label="  router"]')
    expect(lines(dot)).toContain('  "server" -> "mqttHandler" [label="  pipeline[2]"]')
  })

  it('draws a list from left to right in one row, its components numbered, with what sort of their kind they are', () => {
    const dot = toDot(systemGraph(broker))
    expect(lines(dot)).toContain(
      '  { rank="same"; "mqttDecoder" -> "packetLog" -> "mqttHandler" -> "mqttEncoder" [style="invis"] }',
    )
    expect(line(dot, '  "mqttDecoder" [')).toContain('label="mqttDecoder\\nPipelineStage 1: decoder"')
    expect(line(dot, '  "mqttHandler" [')).toContain('label="mqttHandler\\nPipelineStage 3: handler"')
  })

  it('draws a disabled component and what leads to it dashed and grey', () => {
    const dot = toDot(systemGraph(broker))
    expect(line(dot, '  "packetLog" [')).toMatch(
      /label="packetLog\\nPipelineStage 2: filter\\ndisabled", style="rounded,filled,dashed".*fontcolor="#7b8494"/,
    )
    expect(lines(dot)).toContain('  "server" -> "packetLog" [label="  pipeline[1]", style="dashed"]')
  })

  it('draws a wrong edge red, and what it leads to when that does not exist', () => {
    const dot = toDot(wrong)
    expect(line(dot, '  "server" -> "mqttDecodr"')).toMatch(
      /label=" {2}pipeline\[0\]\\n {2}no such component", color="#c62828"/,
    )
    expect(line(dot, '  "mqttDecodr" [')).toMatch(/label="mqttDecodr\\nno such component".* color="#c62828"/)
    expect(line(dot, '  "server" -> "router"')).toMatch(/needs PipelineStage, not Router", color="#c62828"/)
    expect(line(dot, '  "server" -> "mqttEncoder"')).toBe('  "server" -> "mqttEncoder" [label="  pipeline[2]"]')
  })

  it('writes problems of the config in the component, in red, and leaves those of edges to the edges', () => {
    const node = line(toDot(wrong), '  "server" [')
    expect(node).toMatch(/config\.port: .*65535.*fontcolor="#c62828"/)
    expect(node).not.toContain('mqttDecodr')
  })

  it('writes under the picture what is wrong with the config as a whole', () => {
    expect(line(toDot(systemGraph(5)), '  graph [')).toMatch(/label="[^"]*plain object[^"]*".*fontcolor="#c62828"/)
  })

  it('shows the state in words as well as by colour', () => {
    const dot = toDot(failed)
    expect(line(dot, '  "logger" [')).toMatch(/info\\nrunning, 1\.3 ms".*fillcolor="#dcf3e1"/)
    expect(line(dot, '  "router" [')).toMatch(/failed: out of routes".*color="#c62828"/)
    expect(line(dot, '  "server" [')).toMatch(/blocked by mqttHandler, router".*fillcolor="#fdeedb"/)
    expect(line(dot, '  "mqttDecoder" [')).toMatch(/starting".*fillcolor="#fff6cf"/)
    expect(line(dot, '  "mqttEncoder" [')).toMatch(/stopped".*fillcolor="#eff0f3"/)
  })

  it('escapes what DOT would read', () => {
    const dot = toDot(named('a "b" \\ c\nd & {e|<f>}'))
    expect(dot).toContain('  "a \\"b\\" \\\\ c\\u{a}d & {e|<f>}" [label="a \\"b\\" \\\\ c d &amp; {e|<f>}\\nLogger')
  })

  it('has colours of six digits alone', () => {
    for (const graph of [systemGraph(broker), wrong, failed]) {
      for (const [colour] of toDot(graph).matchAll(/#[\da-f]+/gi)) expect(colour).toMatch(/^#[\da-f]{6}$/)
    }
  })
})

describe('Mermaid', () => {
  it('has nodes by number and edges with roles', () => {
    const mermaid = toMermaid(systemGraph(broker))
    expect(lines(mermaid)[0]).toBe('flowchart TB')
    expect(lines(mermaid)).toContain('  c4["mqttHandler<br/>PipelineStage 3: handler"]')
    expect(lines(mermaid)).toContain('  c6["server<br/>Listener<br/>127.0.0.1:1883"]')
    expect(lines(mermaid)).toContain('  c6 -->|"pipeline[2]"| c4')
    expect(lines(mermaid)).toContain('  c6 -.->|"pipeline[1]"| c3')
  })

  it('draws wrong edges and the components that do not exist red', () => {
    const mermaid = toMermaid(wrong)
    expect(lines(mermaid)).toContain('  c7["mqttDecodr<br/>no such component"]')
    expect(line(mermaid, '  style c7')).toContain('stroke:#c62828')
    expect(lines(mermaid)).toContain('  linkStyle 3,4 stroke:#c62828,color:#c62828')
    expect(lines(mermaid)).toContain('  c6 -.->|"pipeline[0]<br/>no such component"| c7')
  })

  it('writes as codes what Mermaid would read', () => {
    expect(toMermaid(named('end"; %%{x}%% <b>`#1`'))).toContain(
      'c0["end#34;#59; #37;#37;#123;x#125;#37;#37; #60;b#62;#96;#35;1#96;<br/>',
    )
  })
})

describe('text', () => {
  it('is a tree of what each component depends on, which spells out nothing twice', () => {
    expect(toText(systemGraph(broker))).toBe(
      [
        'server                        Listener                   127.0.0.1:1883',
        '├─ pipeline[0] → mqttDecoder  PipelineStage',
        '├─ pipeline[1] → packetLog    PipelineStage  - disabled',
        '├─ pipeline[2] → mqttHandler  PipelineStage',
        '│  ├─ router                  Router',
        '│  └─ logger                  Logger                     info',
        '├─ pipeline[3] → mqttEncoder  PipelineStage',
        '└─ logger ↑',
        '',
      ].join('\n'),
    )
  })

  it('marks what is running, failed, and blocked by what', () => {
    const text = toText(failed)
    expect(text).toMatch(/^server .* ⊘ blocked by mqttHandler, router {2}127\.0\.0\.1:1883$/m)
    expect(text).toMatch(/mqttHandler {2}PipelineStage {2}⊘ blocked by router$/m)
    expect(text).toMatch(/router +Router +✗ failed\n.*! out of routes$/m)
    expect(text).toMatch(/logger +Logger +● running, 1\.3 ms +info$/m)
    expect(text).toMatch(/mqttDecoder +PipelineStage +◐ starting$/m)
    expect(text).toMatch(/packetLog +PipelineStage +- disabled$/m)
  })

  it('shows a problem below its place', () => {
    const text = toText(wrong)
    expect(text).toMatch(/^server.*\n│ {2}! config\.port: .*65535$/m)
    expect(text).toMatch(/pipeline\[0\] → mqttDecodr +✗ no such component$/m)
    expect(text).toMatch(/pipeline\[1\] → router .*\n.*! needs PipelineStage, not Router$/m)
    expect(toText(systemGraph(5))).toMatch(/^! a system config is a plain object/)
  })

  it('shows a cycle, from where it can be entered', () => {
    const { mqttHandler, logger } = broker
    const config = { logger, handler: { ...mqttHandler, dependencies: { router: 'handler', logger: 'logger' } } }
    expect(toText(systemGraph(config))).toMatch(
      /^handler .*\n├─ router → handler ↑\n.*! needs Router, not PipelineStage$/m,
    )
  })

  it('escapes control characters in names', () => {
    expect(toText(named('a\u001b[2Jb\u202ec'))).toContain('a\\u{1b}[2Jb\\u{202e}c')
  })
})
