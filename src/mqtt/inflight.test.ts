import fc from 'fast-check'
import { expect, it } from 'vitest'
import { runs } from '../../test/helpers/full-run.ts'
import { fuzzSeed } from '../../test/helpers/packets.ts'
import { Inflight } from './inflight.ts'

/** A window that is slow and plain: what was moved to the end, then the rest, each in its order. */
class Model {
  readonly moved = new Map<number, object>()
  readonly sent = new Map<number, object>()
  last = 0

  add(entry: object): number {
    do this.last = this.last === 65_535 ? 1 : this.last + 1
    while (this.get(this.last) !== undefined)
    this.sent.set(this.last, entry)
    return this.last
  }

  get(identifier: number): object | undefined {
    return this.moved.get(identifier) ?? this.sent.get(identifier)
  }

  delete(identifier: number): boolean {
    return this.moved.delete(identifier) || this.sent.delete(identifier)
  }

  moveToEnd(identifier: number): void {
    const entry = this.get(identifier)
    this.delete(identifier)
    if (entry !== undefined) this.moved.set(identifier, entry)
  }

  get all(): [number, object][] {
    return [...this.moved, ...this.sent]
  }
}

/** A step: so many entries come, singly or as a run; or one goes, moves or is replaced, by its place among those that are there. */
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('add' as const), value: fc.integer({ min: 1, max: 60 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('run' as const), value: fc.integer({ min: 1, max: 80 }) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('first' as const), value: fc.integer({ min: 1, max: 80 }) }) },
  {
    arbitrary: fc.record({ kind: fc.constantFrom('delete', 'move', 'replace', 'other'), value: fc.nat(10_000) }),
    weight: 2,
  },
  { arbitrary: fc.record({ kind: fc.constantFrom('behind', 'clear'), value: fc.nat(10) }), weight: 1 },
)

it('gives each entry a Packet Identifier that is not in use, and knows it by that, through any history', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.constantFrom(0, 10, 65_500), (steps, before) => {
      const inflight = new Inflight<object>()
      const model = new Model()
      const identifiers = new Uint16Array(80)
      for (let count = 0; count < before; count += 1) inflight.delete(inflight.add({}))
      model.last = before
      for (const { kind, value } of steps) {
        const chosen = model.all[value % Math.max(1, model.all.length)]?.[0] ?? 7
        if (kind === 'add') {
          for (let count = 0; count < value; count += 1) {
            const entry = {}
            expect(inflight.add(entry)).toBe(model.add(entry))
          }
        } else if (kind === 'run') {
          const entry = {}
          inflight.addAll(entry, value, identifiers)
          for (let index = 0; index < value; index += 1) expect(identifiers[index]).toBe(model.add(entry))
        } else if (kind === 'first') {
          for (const [identifier] of model.all.slice(0, value)) {
            const isGone = inflight.deleteIf(identifier, model.get(identifier)!) || inflight.delete(identifier)
            expect(isGone).toBe(model.delete(identifier))
          }
        } else if (kind === 'other') {
          // The entry of another identifier, which may have the same place in the ring.
          const entry = model.all[value % Math.max(1, model.all.length)]?.[1] ?? {}
          const other = chosen + 2 ** (4 + (value % 8))
          expect(model.get(other) !== entry && inflight.deleteIf(other, entry)).toBe(false)
        } else if (kind === 'delete') expect(inflight.delete(chosen)).toBe(model.delete(chosen))
        else if (kind === 'move') {
          inflight.moveToEnd(chosen)
          model.moveToEnd(chosen)
        } else if (kind === 'replace' && model.get(chosen) !== undefined) {
          const entry = {}
          inflight.replace(chosen, entry)
          ;(model.moved.has(chosen) ? model.moved : model.sent).set(chosen, entry)
        } else if (kind === 'clear') {
          inflight.clear()
          model.moved.clear()
          model.sent.clear()
        } else {
          // The oldest stays, and many others come and go.
          for (let count = 0; count < value * 30; count += 1) {
            const identifier = model.add({})
            if (inflight.add({}) !== identifier) expect.unreachable()
            model.delete(identifier)
            inflight.delete(identifier)
          }
        }
        expect(inflight.size).toBe(model.all.length)
        expect(new Set([...inflight.entries()].map(([identifier]) => identifier)).size).toBe(inflight.size)
        expect(model.all.filter(([identifier, entry]) => inflight.get(identifier) !== entry)).toEqual([])
        if (model.moved.size === 0) expect([...inflight.entries()]).toEqual(model.all)
        expect([0, 65_536].map((identifier) => inflight.get(identifier))).toEqual([undefined, undefined])
      }
    }),
    { seed: fuzzSeed, numRuns: runs(300) },
  )
})

it('keeps the order of sending, even of entries that stay while thousands come and go', () => {
  const inflight = new Inflight<object>()
  const stay: number[] = []
  for (let count = 1; count <= 70_000; count += 1) {
    const identifier = inflight.add({})
    if (count % 20_000 === 1) stay.push(identifier)
    else inflight.delete(identifier)
  }
  expect([...inflight.entries()].map(([identifier]) => identifier)).toEqual(stay)
  expect(stay).toHaveLength(4)
})

it('assigns all Packet Identifiers except one, in any order', () => {
  const inflight = new Inflight<object>()
  const given = new Set<number>()
  for (let count = 0; count < 65_534; count += 1) given.add(inflight.add({}))
  expect([given.size, given.has(0), inflight.size]).toEqual([65_534, false, 65_534])
  for (const identifier of [3, 40_000, 65_000]) inflight.delete(identifier)
  expect(new Set([inflight.add({}), inflight.add({}), inflight.add({}), inflight.add({})])).toEqual(
    new Set([65_535, 3, 40_000, 65_000]),
  )
})

it('restores entries under their Packet Identifiers, in their order, and continues after the last', () => {
  const inflight = new Inflight<{ n: number }>()
  for (const [n, identifier] of [9, 65_535, 4].entries()) inflight.restore(identifier, { n })
  expect([inflight.add({ n: 3 }), inflight.add({ n: 4 }), inflight.get(65_535)]).toEqual([5, 6, { n: 1 }])
  inflight.moveToEnd(9)
  expect(Array.from(inflight.entries(), ([, { n }]) => n)).toEqual([1, 2, 0, 3, 4])
  for (const identifier of [9, 65_535, 4, 5, 6]) expect(inflight.delete(identifier)).toBe(true)
  expect([inflight.size, inflight.delete(5)]).toEqual([0, false])
})

it('keeps the place of an entry that is replaced, also of one that was restored; one that is gone is not replaced', () => {
  const inflight = new Inflight<{ readonly name: string }>()
  inflight.restore(7, { name: 'restored' })
  const identifier = inflight.add({ name: 'sent' })
  inflight.replace(7, { name: 'restored, acknowledged' })
  inflight.replace(identifier, { name: 'sent, acknowledged' })
  expect(inflight.get(7)).toEqual({ name: 'restored, acknowledged' })
  expect(inflight.get(identifier)).toEqual({ name: 'sent, acknowledged' })
  inflight.delete(identifier)
  inflight.replace(identifier, { name: 'gone' })
  expect(inflight.get(identifier)).toBeUndefined()
})

it('gives a run behind a restored entry identifiers that are not in use', () => {
  const inflight = new Inflight<{ readonly name: string }>()
  inflight.restore(3, { name: 'other' })
  inflight.restore(1, { name: 'latest' })
  const identifiers = new Uint16Array(4)
  inflight.addAll({ name: 'run' }, 4, identifiers)
  expect([...identifiers]).toEqual([2, 4, 5, 6])
  expect(inflight.get(3)).toEqual({ name: 'other' })
})

it.each(['delete', 'deleteIf'] as const)('begins again after a large window was emptied by %s', (by) => {
  const inflight = new Inflight<object>()
  const entry = {}
  const identifiers = Array.from({ length: 5_000 }, () => inflight.add(entry))
  for (const identifier of identifiers) expect(inflight[by](identifier, entry)).toBe(true)
  expect(inflight.get(identifiers[0]!)).toBeUndefined()
  const next = inflight.add(entry)
  expect(next).toBe(5_001)
  expect(inflight.get(next)).toBe(entry)
})
