/** Packets that come together are handled together (`PublishRun`). Clients must not notice, except for the time. */

import fc from 'fast-check'
import { expect, it } from 'vitest'
import { MemoryStore } from '../../components/store-memory/memory-store.ts'
import { runs } from '../helpers/full-run.ts'
import { MemoryBroker, type MemoryConnection } from '../helpers/memory-broker.ts'
import { packetBytes } from '../helpers/packet-bytes.ts'
import { fuzzSeed } from '../helpers/packets.ts'

type Version = 4 | 5

/** A client whose bytes are written down. */
class Peer {
  readonly version: Version
  readonly #connection: MemoryConnection
  #received: Uint8Array[] = []

  constructor(broker: MemoryBroker, id: string, version: Version, properties = '') {
    this.version = version
    this.#connection = broker.connect((bytes) => this.#received.push(bytes))
    this.send(packetBytes(`10 @ "MQTT" 0${version} 02 003c ${version === 5 ? `[${properties}]` : ''} "${id}"`))
  }

  send(...packets: Uint8Array[]): void {
    for (const packet of packets) this.#connection.receive(packet)
  }

  /** What it received since it was asked last. */
  take(): string {
    const received = Buffer.concat(this.#received).toString('hex')
    this.#received = []
    return received
  }
}

/** What a subscriber is like: its CONNECT properties, those of SUBSCRIBE, its filter and its options. */
const subscriber = fc.record({
  version: fc.constantFrom<Version>(4, 5),
  // Maximum Packet Size, Topic Alias Maximum, Receive Maximum, Session Expiry Interval.
  connect: fc.constantFrom('', '', '27 00000014', '22 0002', '21 0001', '11 00000009'),
  identifier: fc.constantFrom('', '', '0b 07'),
  // The order between messages of a Shared Subscription and of another subscription is not defined.
  filters: fc.oneof(
    fc.uniqueArray(fc.constantFrom('a', 'a', '+', '#', 'topic/+'), { minLength: 1, maxLength: 2 }),
    fc.constantFrom(['$share/g/+'], ['$share/g/a']),
  ),
  qos: fc.constantFrom('00', '01'),
})
type SubscriberModel = typeof subscriber extends fc.Arbitrary<infer T> ? T : never

const publish = (version: Version, firsts: readonly string[]) =>
  fc
    .record({
      first: fc.constantFrom(...firsts),
      topic: fc.constantFrom('a', 'a', 'topic/x', '$SYS'),
      properties: fc.constantFrom('', '', '26 "k" "v"', '01 01', '23 0001'),
      payload: fc.constantFrom('', '1', '22', '4444', 'x'.repeat(130)),
      identifier: fc.constantFrom('0001', '0002', 'ffff'),
    })
    .map(({ first, topic, properties, payload, identifier }) =>
      packetBytes(
        `${first} @ "${topic}" ${first === '30' || first === '31' ? '' : identifier} ${version === 5 ? `[${properties}]` : ''} '${payload}'`,
      ),
    )
/** The first bytes of the packets: mostly at QoS 0, or at QoS 1. */
const FIRSTS = [
  ['30', '30', '30', '30', '30', '31', '32'],
  ['32', '32', '32', '32', '32', '32', '3a', '33', '34', '30'],
]
const traffic = fc.tuple(fc.constantFrom<Version>(4, 5), fc.constantFrom(...FIRSTS)).chain(([version, firsts]) =>
  fc.record({
    version: fc.constant(version),
    packets: fc.array(publish(version, firsts), { maxLength: 30 }),
    // With No Local, without, and no subscription of its own.
    own: fc.constantFrom('', '00', version === 5 ? '04' : '01'),
    // A window that few fit in, and queues that are full at once.
    config: fc.constantFrom(
      {},
      {},
      { maximumInflight: 3 },
      { maximumInflight: 3, maximumQueuedMessages: 1, queueFullPolicy: 'refuse' },
    ),
  }),
)

/** What a publisher received: first PUBLISH packets, then the others. */
const answersLast = (received: string): [string, string] => {
  const bytes = Buffer.from(received, 'hex')
  const [publishes, answers]: [Buffer[], Buffer[]] = [[], []]
  for (let at = 0; at < bytes.length; ) {
    let body = at + 1
    while (bytes[body]! >= 0x80) body += 1
    const length = bytes.subarray(at + 1, body + 1).reduceRight((value, byte) => value * 128 + (byte & 0x7f), 0)
    ;(bytes[at]! >> 4 === 3 ? publishes : answers).push(bytes.subarray(at, body + 1 + length))
    at = body + 1 + length
  }
  return [Buffer.concat(publishes).toString('hex'), Buffer.concat(answers).toString('hex')]
}

/** What all subscribers receive. @param send plays the publisher's packets. */
const played = async (
  subscribers: readonly SubscriberModel[],
  { version, own, config }: { readonly version: Version; readonly own: string; readonly config: object },
  send: (publisher: Peer) => void,
): Promise<string[]> => {
  const broker = await MemoryBroker.start(new MemoryStore(), config)
  const peers = subscribers.map(({ version, connect, filters, identifier, qos }, index) => {
    const peer = new Peer(broker, `subscriber ${index}`, version, connect)
    for (const filter of filters) {
      peer.send(packetBytes(`82 @ 0001 ${version === 5 ? `[${identifier}]` : ''} "${filter}" ${qos}`))
    }
    return peer
  })
  const publisher = new Peer(broker, 'publisher', version)
  if (own !== '') publisher.send(packetBytes(`82 @ 0001 ${version === 5 ? '[]' : ''} "+" ${own}`))
  broker.endTurn()
  for (const peer of [...peers, publisher]) peer.take()
  send(publisher)
  broker.endTurn()
  // Answers to packets that come together follow the copies of them that their publisher gets.
  const received = [...peers.map((peer) => peer.take()), ...answersLast(publisher.take())]
  await broker.stop()
  return received
}

it('packets that are sent together give all subscribers the same bytes as packets sent one by one', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(subscriber, { minLength: 1, maxLength: 5 }),
      traffic,
      async (subscribers, { packets, ...publisher }) => {
        const singly = await played(subscribers, publisher, (peer) => peer.send(...packets))
        const together = await played(subscribers, publisher, (peer) => peer.send(Buffer.concat(packets)))
        expect(together).toEqual(singly)
      },
    ),
    { seed: fuzzSeed, numRuns: runs(400) },
  )
})
