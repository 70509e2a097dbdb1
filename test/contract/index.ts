/**
 * What `mqtt-jig/testing/contracts` exports: for each kind the suite that every implementation passes. A suite is called in a test
 * file of vitest, and tries its properties with fast-check.
 */

export { authenticationMethodContract, type ExchangePartner, type MethodUnderTest } from './authentication-method.ts'
export {
  type AuthenticatorUnderTest,
  authenticatorContract,
  type KnownUser,
} from './authenticator.ts'
export { authorizerContract, contractIdentity } from './authorizer.ts'
export { type DecoderLimits, decoderContract } from './decoder.ts'
export { type DurabilityUnderTest, durabilityContract } from './durability.ts'
export { encoderContract } from './encoder.ts'
export { routerContract } from './router.ts'
export { sessionOwnershipContract } from './session-ownership.ts'
export { storeContract } from './store.ts'
export type { StoreUnderTest } from './store-under-test.ts'
export { type SwapUnderTest, survivesASwap } from './survives-a-swap.ts'
export { type TransportUnderTest, transportContract } from './transport.ts'
