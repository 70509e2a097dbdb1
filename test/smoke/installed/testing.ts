/** Types that check without vitest and fast-check, which only those who run the contract suites have. */
import { AuthenticationMethod, createBroker, type EmbeddedBroker, ReasonCode, type Store } from 'mqtt-jig'
import system from 'mqtt-jig/system.config'
import { startTestBroker } from 'mqtt-jig/testing'
import { type StoreUnderTest, storeContract } from 'mqtt-jig/testing/contracts'

export const started: Promise<EmbeddedBroker> = createBroker({
  config: { server: { maximumConnections: 10 }, topicRules: { rules: [], default: 'deny' } },
})
export const own = createBroker({ port: 0, system: { ...system, packetLog: { ...system.packetLog, enabled: true } } })
export const port: Promise<number> = startTestBroker().then(({ port }) => port)
export const suite: <S extends Store>(name: string, underTest: StoreUnderTest<S>) => void = storeContract
export const names: readonly [string, number] = [AuthenticationMethod.name, ReasonCode.NotAuthorized]
// @ts-expect-error There is no such component.
export const wrong = createBroker({ config: { sever: {} } })
