import type { AnyComponent } from './component.ts'

/** Whether the kind and the needs of a component can be read, which is enough to check its wiring. */
export const isReadable = (value: unknown): value is AnyComponent => {
  const { provides, needs } = recordOf(value)
  return (
    typeof recordOf(provides)['name'] === 'string' &&
    Object.values(recordOf(needs)).every((need) => typeof recordOf(recordOf(need)['kind'] ?? need)['name'] === 'string')
  )
}

const recordOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
