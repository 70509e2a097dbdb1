import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { defineComponent, defineSystem } from './define-system.ts'
import { all, kind, many, optional } from './kind.ts'
import { createSystem } from './lifecycle.ts'
import { only } from './only.ts'
import { checkSettings, configure } from './settings.ts'

interface Part {
  readonly on: readonly string[]
}
const Part = kind<Part>()('Part')
const Probe = kind<Part>()('Probe')
const schema = z.strictObject({ size: z.int().default(1) })
/** Its instance lists what it found. */
const part = defineComponent({
  provides: Part,
  needs: { one: optional(Part), list: many(Part) },
  config: schema,
  start: (_config, { one, list }) => ({ on: [one, ...list].map((each) => (each === undefined ? 'none' : 'part')) }),
})
const user = defineComponent({
  provides: Part,
  needs: { part: Part },
  config: schema,
  start: () => ({ on: ['part'] }),
})
const monitor = defineComponent({
  provides: Probe,
  needs: { parts: all(Part) },
  config: schema,
  start: (_config, { parts }) => ({ on: parts.map(() => 'part') }),
})

const system = defineSystem({
  monitor: { component: monitor },
  http: { component: part, dependencies: { one: 'off', list: ['cache', 'off', 'pool'] } },
  pool: { component: part, dependencies: { list: ['log'] } },
  cache: { component: part, dependencies: { list: [] } },
  log: { component: part, dependencies: { list: [] } },
  // Its config is wrong, and what it depends on is needed by it alone.
  off: { component: part, enabled: false, config: { size: 0.5 }, dependencies: { list: ['forOff'] } },
  forOff: { component: part, dependencies: { list: [] } },
  other: { component: part, config: { size: 0.5 }, dependencies: { list: ['pool'] } },
})

describe('only', () => {
  it('keeps the components named and all that they depend on, in the order of the config', () => {
    expect(Object.keys(only(system, 'http'))).toEqual(['http', 'pool', 'cache', 'log'])
    expect(Object.keys(only(system, 'log', 'pool'))).toEqual(['pool', 'log'])
  })

  it('starts without what is left out, whose config is not checked', async () => {
    await using running = createSystem(only(system, 'http', 'pool'))
    await running.start()
    expect(running.order).toEqual(['cache', 'log', 'pool', 'http'])
    expect(running.map.http.on).toEqual(['none', 'part', 'part'])
    expect(running.map.pool.on).toEqual(['none', 'part'])
    expect(() => createSystem(system)).toThrow(/other\.config\.size/)
  })

  it('changes nothing of the system given', () => {
    only(system, 'http')
    expect(system.http.dependencies.list).toEqual(['cache', 'off', 'pool'])
  })

  it('follows a need for all components of a kind to those that are enabled', () => {
    expect(Object.keys(only(system, 'monitor'))).toEqual(['monitor', 'http', 'pool', 'cache', 'log', 'forOff', 'other'])
  })

  it('keeps a disabled component that is needed, for the check to report', () => {
    const config = { user: { component: user, dependencies: { part: 'off' } }, off: system.off }
    expect(() => createSystem(only(config, 'user'))).toThrow(/'off' is disabled, and user cannot do without/)
  })

  it('refuses names that there are not, and disabled ones, all together', () => {
    expect(() => only(system, 'htp' as 'http', 'off')).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        problems: [
          { path: ['only'], message: "there is no component 'htp'; did you mean 'http'?" },
          { path: ['only'], message: "'off' is disabled; enable it in the config to run it" },
        ],
      }),
    )
  })

  it('leaves what is no entry, and no component, to the check', () => {
    const config = { a: 5, b: { component: 7, dependencies: { x: 'a' } }, c: { component: part, dependencies: 3 } }
    expect(Object.keys(only(config as object, ...(['a', 'b', 'c'] as never[])))).toEqual(['a', 'b', 'c'])
    expect(only({ toString: { component: part } }, 'toString')).toBeDefined()
    expect(() => only({}, 'toString' as never)).toThrow(/there is no component 'toString'/)
  })
})

describe('--only', () => {
  it('is applied after the settings and before the check', () => {
    const config = configure(system, ['other.size=0.25', 'pool.size=2'], ['http'])
    expect(Object.keys(config)).toEqual(['http', 'pool', 'cache', 'log'])
    expect(config['pool']?.config).toEqual({ size: 2 })
  })

  it('is reported with everything else', () => {
    expect(checkSettings(system, ['pool.size=no'], ['pool', 'stove']).problems).toEqual([
      { path: ['--only'], message: expect.stringMatching(/^there is no component 'stove'; there are 'monitor', /) },
      { path: ['pool', 'config', 'size'], message: expect.stringMatching(/\(set by --set pool\.size\)$/) },
    ])
  })

  it('leaves a value that is no config to the check', () => {
    expect(checkSettings(5, [], ['a']).problems).toEqual([
      { path: [], message: expect.stringMatching(/found a number/) },
    ])
  })
})
