import { expect, test } from 'vitest'
import { z } from 'zod'
import { defineComponent, defineSystem } from './define-system.ts'
import { all, kind } from './kind.ts'
import { createSystem } from './lifecycle.ts'

interface Gauge {
  readonly name: string
}
const Gauge = kind<Gauge>()('Gauge')
const Panel = kind<{ readonly names: readonly string[] }>()('Panel')
const gauge = defineComponent({
  provides: Gauge,
  needs: {},
  config: z.strictObject({}),
  start: (_config, _dependencies, { name }) => ({ name }),
})
const panel = defineComponent({
  provides: Panel,
  needs: { gauges: all(Gauge) },
  config: z.strictObject({}),
  start: (_config, { gauges }) => ({ names: gauges.map(({ name }) => name) }),
})
/** A gauge that shows all others. */
const summary = defineComponent({
  provides: Gauge,
  needs: { gauges: all(Gauge) },
  config: z.strictObject({}),
  start: (_config, { gauges }) => ({ name: `sum of ${gauges.map(({ name }) => name).join(' and ')}` }),
})

test('a need for all of a kind gets every enabled component of it, in the order of the config, without wiring', async () => {
  await using system = createSystem(
    defineSystem({
      panel: { component: panel },
      second: { component: gauge },
      off: { component: gauge, enabled: false },
      first: { component: gauge },
    }),
  )
  await system.start()
  expect(system.map.panel.names).toEqual(['second', 'first'])
  expect(system.order).toEqual(['second', 'first', 'panel'])
})

test('a component that provides the kind does not get itself', async () => {
  await using system = createSystem(defineSystem({ summary: { component: summary }, one: { component: gauge } }))
  await system.start()
  expect(system.map.summary.name).toBe('sum of one')
})

test('there may be none', async () => {
  await using system = createSystem(defineSystem({ panel: { component: panel } }))
  await system.start()
  expect(system.map.panel.names).toEqual([])
})
