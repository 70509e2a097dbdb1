import { expect, test } from 'vitest'
import { z } from 'zod'
import { createSystem, defineComponent, defineSystem } from '../../src/system/index.ts'
import { Notes, system } from './notes.ts'

const notes = new Map([['/shopping', 'Milk']])
const fake = defineComponent({ provides: Notes, needs: {}, config: z.object({}), start: () => notes })

test('serves a note', async () => {
  await using running = createSystem(
    defineSystem({ ...system, notes: { component: fake }, http: { ...system.http, config: { port: 0 } } }),
  )
  await running.start()
  const response = await fetch(`http://127.0.0.1:${running.map.http.port}/shopping`)
  expect(await response.text()).toBe('Milk')
})
