import { z } from 'zod'
import { defineComponent, kind, type Measure } from '../../src/system/index.ts'
import { Notes } from './notes.ts'

// A component that has a number for operators.
export const countedNotes = defineComponent({
  provides: Notes,
  needs: {},
  config: z.strictObject({}),
  start: () => new Map<string, string>(),
  measure: (notes) => [
    { name: 'stored', help: 'Notes that are stored.', unit: 'notes', kind: 'gauge', read: () => notes.size },
  ],
})

// A component that publishes the numbers of all.
export const Report = kind<{ lines(): readonly string[] }>()('Report')
export const report = defineComponent({
  provides: Report,
  needs: {},
  config: z.strictObject({}),
  start: (_config, _dependencies, { measures }) => {
    const line = (component: string, { name, unit, read }: Measure) => `${component} ${name}: ${read()} ${unit}`
    return { lines: () => measures().map(({ component, measure }) => line(component, measure)) }
  },
})
