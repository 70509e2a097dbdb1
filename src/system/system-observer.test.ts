import { expect, it } from 'vitest'
import { z } from 'zod'
import { type AnySystemConfig, defineComponent } from './define-system.ts'
import { kind } from './kind.ts'
import { createSystem } from './lifecycle.ts'
import type { SystemObserver } from './system-observer.ts'

interface Part {
  problem: string | undefined
}
const Part = kind<Part>()('Part')

it('a component observes its system: state, wiring, and what is unready', async () => {
  let observed: SystemObserver | undefined
  const watched = defineComponent({
    provides: Part,
    needs: {},
    config: z.object({}),
    start: (): Part => ({ problem: undefined }),
    unready: (part) => part.problem,
    refresh: () => 'two users',
  })
  const observer = defineComponent({
    provides: Part,
    needs: { on: Part },
    config: z.object({}),
    start: (_config, { on }, { system }): Part => {
      observed = system
      return on
    },
  })
  const system = createSystem({
    watched: { component: watched },
    observer: { component: observer, dependencies: { on: 'watched' } },
  } as AnySystemConfig)
  const starting = system.start()
  await starting
  const unready = () => observed!.status().map((each) => [each.name, each.state, each.unready])
  expect([observed!.state, observed!.runningSinceMs]).toEqual(['running', system.runningSinceMs])
  expect(observed!.graph().edges).toMatchObject([{ from: 'observer', to: 'watched', role: 'on' }])
  expect(unready()).toEqual([
    ['watched', 'running', undefined],
    ['observer', 'running', undefined],
  ])
  const map = system.map as unknown as { watched: Part }
  map.watched.problem = 'the disk is full'
  expect(unready()[0]).toEqual(['watched', 'running', 'the disk is full'])
  expect(await observed!.refresh()).toEqual([{ name: 'watched', change: 'two users', error: undefined }])
  await system.stop()
  expect(unready()[0]).toEqual(['watched', 'stopped', undefined])
  expect(observed!.state).toBe('stopped')
})
