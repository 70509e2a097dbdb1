import { durabilityContract } from '../contract/durability.ts'
import { Stream } from './stream.ts'

durabilityContract('the stream of the tests', () => {
  const durability = new Stream()
  return {
    durability,
    record: () => durability.record(),
    settle() {
      durability.endBatch()
      durability.settle()
    },
  }
})
