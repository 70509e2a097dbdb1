import { afterEach, expect, it } from 'vitest'
import { eventually } from '../../test/helpers/eventually.ts'
import { type Broker, startBroker } from '../../test/helpers/start-broker.ts'
import { bridgeIdentity } from './bridge-names.ts'
import { newBridgeCounters } from './counters.ts'
import type { Frame } from './frame-reader.ts'
import { LocalSession } from './local-session.ts'
import { Relay } from './relay.ts'
import type { RemoteLink } from './remote-link.ts'
import { TopicMap } from './topic-map.ts'

let broker: Broker
afterEach(() => broker.stop())

it('takes nothing that needs an answer while the remote broker does not read the answers', async () => {
  broker = await startBroker()
  const { broker: kind } = broker.map
  const pubrel = Buffer.from([0x62, 2, 0, 1])
  const frame: Frame = { firstByte: 0x62, bytes: pubrel, headerStart: 0, start: 2, end: 4 }
  const link = {
    ...{ version: 5, isClosed: false, blocked: true, congested: true },
    ...{ left: 100, written: 0 },
    next: () => (link.left-- > 0 ? frame : undefined),
    write: (bytes: Uint8Array) => {
      link.written += bytes.length
    },
    close: () => {},
    awaitAnswer: () => {},
    answered: () => {},
  }
  const topics = new TopicMap([{ filter: 'a', direction: 'out', qos: 1, localPrefix: '', remotePrefix: '' }])
  const identity = bridgeIdentity('up', undefined)
  const terms = {
    ...{ sessionPresent: true, receiveMaximum: 10, maximumQoS: 2 as const, retainAvailable: true },
    ...{ maximumPacketSize: 1_000, keepAliveSeconds: undefined },
  } as const
  const relay = new Relay(
    {
      ...{ broker: kind.forClients, identity, counters: newBridgeCounters(), topics, hop: undefined, maximumHops: 16 },
      description: { text: 'bridge up', fields: {} },
      subscriptionRefused: () => {},
      messageRefused: () => {},
      ready: () => {},
    },
    link as unknown as RemoteLink,
    terms,
  )
  const local = new LocalSession({
    ...{ broker: kind, identity, filters: topics.localFilters, expiryIntervalSeconds: 60 },
    refused: () => {},
  })
  await local.claim()
  relay.begin(local.open(relay, 10, 2, false), false)
  expect(link).toMatchObject({ left: 100, written: 0 })
  link.blocked = false
  relay.drained()
  await eventually(() => expect(link.written).toBe(100 * 5))
})
