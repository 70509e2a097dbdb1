import { expect, it } from 'vitest'
import { sessionOwnershipContract } from '../../test/contract/session-ownership.ts'
import { localOwnership } from './ownership.ts'

sessionOwnershipContract('localOwnership', () => localOwnership)

it('grants every claim at once', () => {
  expect(localOwnership.claim('client')).toBeUndefined()
})
