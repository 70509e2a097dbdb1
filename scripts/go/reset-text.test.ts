import { expect, test } from 'vitest'
import type { StartReport } from '../../src/system/dev.ts'
import type { AppliedPart, PlannedConnections, ResetReport, Verdict } from '../../src/system/reset-plan.ts'
import { planText, resetText } from './reset-text.ts'

const part = (name: string, verdict: Verdict, reasons: readonly string[] = [], ms?: number): AppliedPart => ({
  name,
  kind: name === 'server' ? 'Listener' : 'Thing',
  verdict,
  reasons,
  ms,
})
const report = (parts: readonly AppliedPart[], connections: readonly PlannedConnections[] = []): StartReport => {
  const reset: ResetReport = {
    plan: { parts, connections },
    parts,
    prepareMs: 2,
    cutOverMs: 3,
    finishMs: 1,
    errors: [],
  }
  const changed = parts.every(({ verdict }) => verdict === 'keep') ? [] : ['components/mqtt-handler/publish.ts']
  const components = parts.map(() => ({})) as never
  return { action: 'reset', started: true, components, changed, loadMs: 10, startMs: 6, stopErrors: [], reset }
}
const connected = { listener: 'server', keptUntouched: 0, repiped: 0, closed: 0 }

test('a swap says how long it took, and that the connections were kept', () => {
  const parts = [
    part('store', 'keep'),
    part('mqttHandler', 'swap', ['components/mqtt-handler/publish.ts changed'], 9),
    part('server', 'adjust', ['mqttHandler is swapped'], 1),
  ]
  expect(resetText(report(parts, [{ ...connected, repiped: 812 }]), 812)).toBe(
    [
      'reset: 1 module, 16 ms; 812 clients stay connected',
      'Reloaded components/mqtt-handler/publish.ts.',
      'swap mqttHandler: 9.0 ms, 812 connections kept (publish.ts)',
      'adjust server: 1.0 ms (mqttHandler is swapped)',
      'Running 3 components, 1 kept (load 10 ms, prepare 2.0 ms, cut over 3.0 ms, finish 1.0 ms).',
    ].join('\n'),
  )
})

test('a restart names what followed in one line, and the clients that were disconnected', () => {
  const parts = [
    part('store', 'restart', ['config.limit: 1 → 2'], 3),
    part('broker', 'restart', ['store is restarted'], 1),
    part('server', 'restart', ['broker is restarted'], 2),
  ]
  const text = resetText(report(parts, [{ ...connected, closed: 1 }]), 1)
  expect(text).toContain('; 1 client was disconnected and may reconnect\n')
  expect(text).toContain(
    '\nrestart store: 3.0 ms (config.limit: 1 → 2)\nrestart what depends on that: broker, server\n',
  )
  expect(text).toContain('\nRunning 3 components (load')
})

test('without counts of a listener a restart of it disconnects all, and no other restart does', () => {
  expect(resetText(report([part('server', 'restart', ['its code changed'])]), 2)).toContain(
    '2 clients were disconnected',
  )
  expect(resetText(report([part('other', 'restart', ['its code changed'])]), 2)).toContain('2 clients stay connected')
})

test('nothing changed', () => {
  expect(resetText(report([part('a', 'keep'), part('b', 'keep')]), 0)).toMatch(
    /^reset: nothing changed, 16 ms; no client was connected\nAll 2 components kept \(load .*\)\.$/,
  )
})

test('a plan is a table of what changes, with reasons, and of the connections', () => {
  const parts = [
    part('logger', 'keep'),
    part('mqttHandler', 'swap', ['publish.ts changed']),
    part('server', 'adjust', ['config.a: 1 → 2', 'config.b', 'config.c', 'config.d']),
    part('old', 'stop', ['removed or disabled']),
  ]
  const connections = [
    { ...connected, repiped: 2 },
    { ...connected, listener: 'tls', closed: 1 },
  ]
  expect(planText({ parts, connections }, false)).toBe(
    [
      'mqttHandler  swap    Thing     publish.ts changed',
      'server       adjust  Listener  config.a: 1 → 2, config.b, config.c, 1 more',
      'old          stop    Thing     removed or disabled',
      'Kept: logger.',
      'Connections of server: 2 kept with new pipelines.',
      'Connections of tls: 1 closed.',
    ].join('\n'),
  )
  expect(planText({ parts: [part('a', 'keep'), part('b', 'keep')], connections: [connected] }, false)).toBe(
    'Nothing changed: a, b are kept.\nConnections of server: none.',
  )
})
