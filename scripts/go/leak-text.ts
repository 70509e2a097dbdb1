/** What a component has left behind, in words. */

import { counted } from './quantities.ts'

export type HandleKind = 'timer' | 'socket' | 'server' | 'file watcher' | 'child process' | 'worker thread'

export interface Leak {
  readonly kind: HandleKind
  /** Of a timer. */
  readonly delayMs: number | undefined
  /** `components/heartbeat/index.ts:24` */
  readonly place: string
}

const plurals: Readonly<Partial<Record<HandleKind, string>>> = { 'child process': 'child processes' }

/** The maximum number of lines for a component. */
const mostLines = 10

/** `heartbeat left a timer (1,000 ms), components/heartbeat/index.ts:24`: a line for all of one kind at one place. */
export const leakTexts = (name: string, leaks: readonly Leak[]): readonly string[] => {
  const counts = new Map<string, { readonly leak: Leak; count: number }>()
  for (const leak of leaks) {
    const key = `${leak.kind} ${leak.delayMs} ${leak.place}`
    const same = counts.get(key)
    if (same === undefined) counts.set(key, { leak, count: 1 })
    else same.count += 1
  }
  const lines = [...counts.values()].map(
    ({ leak: { kind, delayMs, place }, count }) =>
      `${name} left ${count === 1 ? `a ${kind}` : counted(count, kind, plurals[kind])}${delayText(delayMs)}, ${place}`,
  )
  if (lines.length <= mostLines) return lines
  const more = lines.length - mostLines + 1
  return [...lines.slice(0, mostLines - 1), `${name} left more at ${counted(more, 'other place')}`]
}

const delayText = (delayMs: number | undefined): string =>
  delayMs === undefined ? '' : ` (${delayMs.toLocaleString('en-US')} ms)`
