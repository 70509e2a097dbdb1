import { storeContract } from '../../test/contract/store.ts'
import { swappedLmdbUnderTest } from '../../test/helpers/lmdb-under-test.ts'

storeContract('store-lmdb, swapped again and again', swappedLmdbUnderTest({}, 30))
storeContract(
  'store-lmdb, buffered, swapped again and again',
  swappedLmdbUnderTest({ durability: 'buffered', bufferedMs: 1 }, 5),
)
