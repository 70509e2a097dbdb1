import type { AnyComponent } from './component.ts'

/** Whether a value is as much of a component as its wiring takes: its kind and its needs can be read. */
export const isReadable = (value: unknown): value is AnyComponent => {
  const { provides, needs } = recordOf(value)
  return (
    typeof recordOf(provides)['name'] === 'string' &&
    Object.values(recordOf(needs)).every((need) => typeof recordOf(recordOf(need)['kind'] ?? need)['name'] === 'string')
  )
}

const recordOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
