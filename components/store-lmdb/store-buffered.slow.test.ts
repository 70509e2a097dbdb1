import { storeContract } from '../../test/contract/store.ts'
import { lmdbUnderTest } from '../../test/helpers/lmdb-under-test.ts'

storeContract('store-lmdb, buffered', lmdbUnderTest({ durability: 'buffered', bufferedMs: 1 }, 10))
