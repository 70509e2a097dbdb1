import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type AnySystemConfig, defineComponent } from './define-system.ts'
import { kind } from './kind.ts'
import { createSystem } from './lifecycle.ts'

interface Thing {
  readonly name: string
}
const Thing = kind<Thing>()('Thing')

/** Components that note the calls of their `refresh`, and what it does. */
const things = (refreshes: Readonly<Record<string, ((signal: AbortSignal) => unknown) | undefined>>) => {
  const calls: string[] = []
  const config: Record<string, object> = {}
  for (const [name, refresh] of Object.entries(refreshes)) {
    const component = defineComponent({ provides: Thing, needs: {}, config: z.object({}), start: () => ({ name }) })
    const called = (instance: Thing, { signal }: { readonly signal: AbortSignal }): unknown => {
      calls.push(instance.name)
      return refresh?.(signal)
    }
    config[name] = { component: { ...component, ...(refresh && { refresh: called }) }, startDeadlineMs: 50 }
  }
  return { calls, config: config as AnySystemConfig }
}

describe('a refresh', () => {
  it('calls the components that have it in the order of their start, and returns what changed', async () => {
    const { calls, config } = things({
      a: () => 'two users',
      without: undefined,
      b: async () => undefined,
      c: async () => 'a certificate',
    })
    await using system = createSystem(config)
    await system.start()
    expect(await system.refresh()).toEqual([
      { name: 'a', change: 'two users' },
      { name: 'b' },
      { name: 'c', change: 'a certificate' },
    ])
    expect(calls).toEqual(['a', 'b', 'c'])
  })

  it('continues after a component that throws, rejects or hangs, and keeps it running', async () => {
    const { config } = things({
      throws: () => {
        throw new Error('line 3 is broken')
      },
      hangs: () => new Promise(() => {}),
      rejects: () => Promise.reject(new Error('no file')),
      works: () => 'read',
    })
    await using system = createSystem(config)
    await system.start()
    const outcomes = await system.refresh()
    expect(outcomes.map(({ error }) => [error?.code, error?.phase, error?.component, error?.message])).toEqual([
      ['REFRESH_FAILED', 'refresh', 'throws', 'the refresh of throws failed: line 3 is broken'],
      ['REFRESH_FAILED', 'refresh', 'hangs', expect.stringContaining('did not finish within 50 ms')],
      ['REFRESH_FAILED', 'refresh', 'rejects', 'the refresh of rejects failed: no file'],
      [undefined, undefined, undefined, undefined],
    ])
    expect(system.status().map(({ state }) => state)).toEqual(['running', 'running', 'running', 'running'])
  })

  it('calls no component twice at the same time, and none for a call that another one covers', async () => {
    let release = (): void => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const { calls, config } = things({ slow: () => held })
    await using system = createSystem(config)
    await system.start()
    const first = system.refresh()
    await Promise.resolve()
    // The first one is reading: what is saved now it may have missed.
    const [second, third] = [system.refresh(), system.refresh()]
    await Promise.resolve()
    expect(calls).toEqual(['slow'])
    release()
    await Promise.all([first, second, third])
    expect(calls).toEqual(['slow', 'slow'])
    expect(second).toBe(third)
  })

  it('calls nothing while the system does not run', async () => {
    const { calls, config } = things({ a: () => 'read' })
    const system = createSystem(config)
    expect(await system.refresh()).toEqual([])
    await system.start()
    await system.stop()
    expect(await system.refresh()).toEqual([])
    expect(calls).toEqual([])
  })

  it('is a function: the check of the config says so', () => {
    const { config } = things({ a: () => 'read' })
    const component = { ...config['a']!.component, refresh: 'now' }
    expect(() => createSystem({ a: { component } } as never)).toThrow("its 'refresh' is a string, not a function")
  })
})
