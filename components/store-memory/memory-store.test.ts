import { storeContract } from '../../test/contract/store.ts'
import { rebuild, takeApart } from './handover.ts'
import { MemoryStore } from './memory-store.ts'

storeContract('memory-store', {
  create: () => new MemoryStore(),
  // A clone has lost all classes, as between generations of the code.
  reopen: (store) => rebuild(structuredClone(takeApart(store))),
})
