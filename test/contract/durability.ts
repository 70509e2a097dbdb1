import { describe, expect, it } from 'vitest'
import type { Durability } from '../../src/kinds/durability.ts'

/** A durability, and the means to make it work. */
export interface DurabilityUnderTest {
  readonly durability: Durability
  /** Makes it take a record. */
  record(): void
  /** Resolves when everything that it has taken is durable. */
  settle(): void | Promise<void>
}

/** What every Durability must do. @param create makes one that has taken nothing. */
export const durabilityContract = (
  name: string,
  create: () => DurabilityUnderTest | Promise<DurabilityUnderTest>,
): void => {
  describe(`${name} as a Durability`, () => {
    /** The batches of the records, as they are taken. */
    const batchesOf = (durability: Durability): number[] => {
      const batches: number[] = []
      durability.onRecord(() => batches.push(durability.batch))
      return batches
    }

    it('reports each record in the batch that takes it, which becomes durable', async () => {
      const { durability, record, settle } = await create()
      const batches = batchesOf(durability)
      for (let n = 1; n <= 5; n += 1) {
        record()
        record()
        expect(batches).toHaveLength(2 * n)
        await settle()
        expect(durability.durableBatch).toBeGreaterThanOrEqual(batches.at(-1)!)
      }
      expect(batches).toEqual([...batches].sort((one, other) => one - other))
    })

    it('does not take a record into a batch that is durable already, unless records need not wait', async () => {
      const { durability, record, settle } = await create()
      const batches = batchesOf(durability)
      for (let n = 0; n < 5; n += 1) {
        const { durableBatch } = durability
        record()
        if (durableBatch !== Number.POSITIVE_INFINITY) expect(batches.at(-1)).toBeGreaterThan(durableBatch)
        await settle()
      }
    })

    it('reports that more is durable, when durableBatch says so, and never less', async () => {
      const { durability, record, settle } = await create()
      const reported: number[] = []
      durability.onDurable(() => reported.push(durability.durableBatch))
      if (durability.durableBatch === Number.POSITIVE_INFINITY) return
      for (let n = 0; n < 5; n += 1) {
        record()
        await settle()
        expect(reported.at(-1)).toBe(durability.durableBatch)
      }
      expect(reported).toEqual([...new Set(reported)].sort((one, other) => one - other))
    })

    it('has one listener for each event: the broker of the next start takes the place of the one before', async () => {
      const { durability, record, settle } = await create()
      const calls: string[] = []
      for (const broker of ['old', 'new']) {
        durability.onRecord(() => calls.push(`${broker} record`))
        durability.onDurable(() => calls.push(`${broker} durable`))
      }
      record()
      await settle()
      expect(calls).toContain('new record')
      expect(calls.filter((call) => call.startsWith('old'))).toEqual([])
    })
  })
}
