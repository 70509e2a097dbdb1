import { test } from 'vitest'
import { runs } from '../helpers/full-run.ts'
import { GatedLmdbStore } from '../helpers/gated-lmdb-store.ts'
import { SwappedGatedLmdb } from '../helpers/swapped-gated-lmdb.ts'
import { allFaults, networkFaults } from './exactly-once/commands.ts'
import { survives } from './exactly-once/survives.ts'

const store = () => GatedLmdbStore.open()

test('QoS 1 and 2 keep their promises with store-lmdb, with any network failures', async () => {
  await survives(networkFaults, runs(150), store)
})

test('QoS 1 and 2 keep their promises with store-lmdb when the broker crashes and comes back with what was durable', async () => {
  await survives(allFaults, runs(300), store)
})

test('QoS 1 and 2 keep their promises with store-lmdb that is swapped again and again, with crashes', async () => {
  await survives(allFaults, runs(300), () => SwappedGatedLmdb.open())
})
