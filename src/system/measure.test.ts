import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { boom, failure, statesOf } from '../../test/system/journal.ts'
import { type AnySystemConfig, type ComponentMeasure, defineComponent, type Measure } from './define-system.ts'
import { kind } from './kind.ts'
import { createSystem } from './lifecycle.ts'

interface Counter {
  count: number
}
const Counter = kind<Counter>()('Counter')

const counting = (instance: Counter, ...names: readonly string[]): Measure[] =>
  names.map((name) => ({ name, help: 'A count.', unit: 'things', kind: 'gauge', read: () => instance.count }))

/** A component whose `measure` is given. */
const counter = (measure: (instance: Counter) => unknown, more: object = {}) => ({
  component: {
    ...defineComponent({ provides: Counter, needs: {}, config: z.object({}), start: () => ({ count: 7 }) }),
    measure,
    ...more,
  },
})

const read = (measures: readonly ComponentMeasure[]) =>
  measures.map(({ component, measure }) => `${component}.${measure.name} ${measure.read()}`)

describe('the measures of a system', () => {
  it('are those of running components, in the order of the config, read on request', async () => {
    const first = counter((instance) => counting(instance, 'a', 'b'))
    const dependent = defineComponent({
      provides: Counter,
      needs: { on: Counter },
      config: z.object({}),
      start: () => ({ count: 1 }),
      measure: (instance) => counting(instance, 'c'),
    })
    const silent = defineComponent({
      provides: Counter,
      needs: {},
      config: z.object({}),
      start: () => ({ count: 0 }),
    })
    const system = createSystem({
      dependent: { component: dependent, dependencies: { on: 'first' } },
      silent: { component: silent },
      off: { ...first, enabled: false },
      first,
    } as AnySystemConfig)
    expect(system.measures()).toEqual([])
    expect(system.runningSinceMs).toBeUndefined()
    const before = Date.now()
    await system.start()
    expect(system.runningSinceMs).toBeGreaterThanOrEqual(before)
    const measures = system.measures()
    expect(read(measures)).toEqual(['dependent.c 1', 'first.a 7', 'first.b 7'])
    const map = system.map as Record<string, Counter>
    map['first']!.count = 8
    expect(read(measures)).toEqual(['dependent.c 1', 'first.a 8', 'first.b 8'])
    await system.stop()
    expect(system.measures()).toEqual([])
  })

  it('are found by a component through its context, those of components that start later as well', async () => {
    const collecting = defineComponent({
      provides: kind<{ collect(): readonly ComponentMeasure[] }>()('Metrics'),
      needs: {},
      config: z.object({}),
      start: (_config, _dependencies, { measures }) => ({ collect: () => measures() }),
    })
    const config = { metrics: { component: collecting }, late: counter((instance) => counting(instance, 'x')) }
    const system = createSystem(config as AnySystemConfig)
    await system.start()
    const { metrics } = system.map as unknown as { metrics: { collect(): readonly ComponentMeasure[] } }
    expect(read(metrics.collect())).toEqual(['late.x 7'])
    await system.stop()
  })

  it('may have one name with different labels', async () => {
    const labelled = (instance: Counter) =>
      ['0', '1'].flatMap((qos) => counting(instance, 'published').map((each) => ({ ...each, labels: { qos } })))
    const system = createSystem({ counter: counter(labelled) } as AnySystemConfig)
    await system.start()
    expect(system.measures().map(({ measure }) => measure.labels)).toEqual([{ qos: '0' }, { qos: '1' }])
    await system.stop()
  })

  const right = { name: 'a', help: 'A.', unit: 'things', kind: 'gauge', read: () => 1 }
  it.each<[unknown, string]>([
    [undefined, 'returned nothing, not a list of measures'],
    [right, 'returned an object, not a list of measures'],
    [[right, 5], 'returned a measure [1] that is not right: it is a number'],
    [[{ ...right, name: 'queuedBytes' }], "its 'name' is a string; a name is lower case words joined by '_'"],
    [[{ ...right, help: '' }], "'a' has no 'help'"],
    [[{ ...right, unit: undefined }], "'a' has no 'unit'"],
    [[{ ...right, kind: 'histogram' }], "the 'kind' of 'a' is neither 'gauge' nor 'counter'"],
    [[{ ...right, read: 1 }], "the 'read' of 'a' is a number, not a function"],
    [[{ ...right, labels: { qos: 1 } }], "the 'labels' of 'a' must be texts by lower case names"],
    [[right, { ...right, unit: 'bytes' }], "returned two measures 'a' with the same labels"],
  ])('that are not right fail the start, which is undone (%#)', async (returned, message) => {
    const stopped: unknown[] = []
    const wrong = counter(() => returned, { stop: (instance: Counter) => void stopped.push(instance) })
    const system = createSystem({ counter: wrong } as AnySystemConfig)
    const error = await failure(system.start())
    expect(error).toMatchObject({ code: 'START_FAILED', component: 'counter' })
    expect(error.message).toContain('the start of counter failed: its measure ')
    expect(error.message).toContain(message)
    expect(stopped).toEqual([{ count: 7 }])
    expect(statesOf(system)).toEqual({ counter: 'failed' })
  })

  it('whose function throws fail the start; what was resumed is suspended again', async () => {
    const state = { count: 3 }
    const resumable = {
      suspend: (instance: Counter) => instance,
      resume: (_c: unknown, _d: unknown, kept: Counter) => kept,
    }
    const before = createSystem({ counter: counter(() => [], { ...resumable, start: () => state }) } as AnySystemConfig)
    await before.start()
    const after = createSystem({ counter: counter(boom, resumable) } as AnySystemConfig, {
      suspended: await before.suspend(),
    })
    expect(await failure(after.start())).toMatchObject({ message: expect.stringContaining('its measure threw: boom') })
    expect((await after.suspend()).components.get('counter')?.state).toBe(state)
  })
})
