import type { IClientOptions } from 'mqtt'
import { afterAll, afterEach, beforeAll } from 'vitest'
import type { ProtocolVersion } from '../../src/mqtt/protocol-version.ts'
import { RealClient } from './mqtt-js.ts'
import { type Broker, quietSystem, startBroker, withConfig } from './start-broker.ts'

/** One broker for the tests of a file, and clients of mqtt.js that leave it after each. */
export const realBroker = (handler: object = {}) => {
  let broker: Broker
  const clients: RealClient[] = []
  beforeAll(async () => {
    broker = await startBroker({ ...quietSystem, ...withConfig(handler) })
  })
  afterEach(() => {
    for (const client of clients.splice(0)) client.mqtt.end(true)
  })
  afterAll(() => broker.stop())
  return {
    get broker() {
      return broker
    },
    connect: async (version: ProtocolVersion, options?: IClientOptions): Promise<RealClient> => {
      const client = await RealClient.connect(broker.port, version, options)
      clients.push(client)
      return client
    },
  }
}

/** Options of a client whose session outlives its connection, in any version. */
export const persistent = (clientId: string, more: IClientOptions = {}): IClientOptions => ({
  clientId,
  clean: false,
  properties: { sessionExpiryInterval: 600 },
  ...more,
})
