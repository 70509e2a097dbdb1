import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { generate, type IPublishPacket, type Packet, parser } from 'mqtt-packet'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import type { ProtocolVersion } from '../../src/mqtt/protocol-version.ts'
import { runs } from '../helpers/full-run.ts'
import { type Broker, quietSystem, startBroker, withConfig } from '../helpers/start-broker.ts'

/**
 * Messages are in memory that is reused for reads, is shared by all connections, and must be copied to be kept. Here all ways
 * of a message meet: several publishers of all versions, small packets and large ones, cut anywhere, at every QoS, towards
 * subscribers of every kind, at the same time. Every byte that is delivered is looked at.
 */

let broker: Broker
const sockets: Socket[] = []
beforeAll(async () => {
  // Nothing may be dropped: slow clients wait.
  const server = { ...quietSystem.server, config: { port: 0, maximumPendingBytes: 2 ** 30 } }
  const handler = { receiveMaximum: 65_535, maximumQueuedMessages: 100_000, maximumQueuedBytes: 2 ** 40 }
  broker = await startBroker({
    ...quietSystem,
    server,
    ...withConfig({ ...handler, topicAliasAfter: 2, maximumInflight: 20 }),
  })
})
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy()
})
afterAll(() => broker.stop())

/** The same numbers in every run. */
const random = (seed: number) => {
  let state = seed
  return (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

/** What publisher `from` sends as number `n`; nothing of it is like that of any other message. */
const messageOf = (from: number, version: ProtocolVersion, n: number) => {
  const next = random(from * 100_003 + n)
  const size = [next(20), next(200), next(3_000), 15_000 + next(3_000), next(12) === 0 ? 60_000 + next(100_000) : 5][
    next(5)
  ]!
  const payload = Buffer.alloc(8 + size)
  payload.writeUInt32BE(from)
  payload.writeUInt32BE(n, 4)
  for (let at = 8; at < payload.length; at += 1) payload[at] = next(256)
  const properties: NonNullable<IPublishPacket['properties']> = {}
  if (version === 5) {
    if (next(3) === 0) properties.contentType = `type ${from} ${n}`
    if (next(3) === 0) properties.messageExpiryInterval = 1_000
    if (next(3) === 0) properties.userProperties = { from: `${from}`, n: [`${n}`, 'x'.repeat(next(300))] }
    if (next(4) === 0) properties.correlationData = Buffer.from(`${n}`)
  }
  return { topic: `t/${from}/${'level'.repeat(next(3))}`, payload, qos: next(3) as 0 | 1 | 2, properties }
}

class Client {
  readonly socket: Socket
  readonly got: IPublishPacket[] = []
  readonly #version: ProtocolVersion
  readonly #others: Packet[] = []
  readonly #aliases = new Map<number, string>()
  #writing = false
  readonly #answers: Buffer[] = []
  #changed: () => void = () => undefined

  constructor(version: ProtocolVersion) {
    this.#version = version
    this.socket = connect({ host: '127.0.0.1', port: broker.port, noDelay: true })
    sockets.push(this.socket)
    const stream = parser({ protocolVersion: version })
    stream.on('packet', (packet) => this.#take(packet))
    this.socket.on('data', (chunk) => stream.parse(chunk))
  }

  async open(fields: object): Promise<this> {
    await once(this.socket, 'connect')
    const level = { protocolId: this.#version === 3 ? 'MQIsdp' : 'MQTT', protocolVersion: this.#version } as const
    this.send({ cmd: 'connect', clean: true, keepalive: 0, clientId: 'unnamed', ...level, ...fields })
    await this.until(() => this.#others.some(({ cmd }) => cmd === 'connack'))
    return this
  }

  async subscribe(topic: string, qos: 0 | 1 | 2, properties = {}): Promise<void> {
    this.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic, qos }], properties })
    await this.until(() => this.#others.some(({ cmd }) => cmd === 'suback'))
  }

  send(packet: Packet): void {
    const bytes = generate(packet, { protocolVersion: this.#version })
    if (this.#writing) this.#answers.push(bytes)
    else this.socket.write(bytes)
  }

  /** Writes bytes in pieces of any length, with turns of the event loop between them. Answers leave afterwards. */
  async write(bytes: Buffer, next: (below: number) => number): Promise<void> {
    this.#writing = true
    for (let position = 0; position < bytes.length; ) {
      const end = position + 1 + next([10, 1_000, 10_000, 200_000][next(4)]!)
      this.socket.write(bytes.subarray(position, end))
      position = end
      if (next(3) === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    this.#writing = false
    for (const answer of this.#answers) this.socket.write(answer)
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      await new Promise<void>((resolve) => {
        this.#changed = resolve
      })
    }
  }

  #take(packet: Packet): void {
    if (packet.cmd === 'publish') this.#publish(packet)
    else if (packet.cmd === 'pubrec') this.send({ cmd: 'pubrel', messageId: packet.messageId! })
    else if (packet.cmd === 'pubrel') this.send({ cmd: 'pubcomp', messageId: packet.messageId! })
    else this.#others.push(packet)
    this.#changed()
  }

  #publish(packet: IPublishPacket): void {
    const alias = packet.properties?.topicAlias
    if (alias !== undefined && packet.topic !== '') this.#aliases.set(alias, packet.topic)
    const topic = packet.topic || this.#aliases.get(alias!)!
    this.got.push({ ...packet, topic, payload: Buffer.from(packet.payload) })
    if (packet.qos > 0) this.send({ cmd: packet.qos === 1 ? 'puback' : 'pubrec', messageId: packet.messageId! })
  }
}

const COUNT = runs(250)
/** The last one has a Topic Alias for everything. */
const PUBLISHERS: readonly ProtocolVersion[] = [3, 4, 4, 5, 5, 5]
const ALIASED = PUBLISHERS.length - 1

/** All packets of a publisher, cut anywhere: many in one piece, or one in many. */
const publishAll = async (client: Client, from: number): Promise<void> => {
  const version = PUBLISHERS[from]!
  const next = random(from)
  const aliases = new Map<string, number>()
  const packets = Array.from({ length: COUNT }, (_, n) => {
    const { topic, payload, qos, properties } = messageOf(from, version, n)
    let sentTopic = topic
    if (from === ALIASED) {
      if (aliases.has(topic)) sentTopic = ''
      else aliases.set(topic, aliases.size + 1)
      properties.topicAlias = aliases.get(topic)!
    }
    const packet = { cmd: 'publish', topic: sentTopic, payload, qos, dup: false, retain: false, properties } as const
    return generate({ ...packet, ...(qos > 0 ? { messageId: n + 1 } : {}) }, { protocolVersion: version })
  })
  await client.write(Buffer.concat(packets), next)
}

/** Looks at what a subscriber got: each message once, as it was sent, in order within its QoS. */
const check = (got: readonly IPublishPacket[], version: ProtocolVersion, granted: number): void => {
  const last = new Map<string, number>()
  for (const { topic, payload, qos, properties } of got) {
    const bytes = payload as Buffer
    const [from, n] = [bytes.readUInt32BE(0), bytes.readUInt32BE(4)]
    const sent = messageOf(from, PUBLISHERS[from]!, n)
    if (!sent.payload.equals(bytes)) expect.fail(`message ${n} of ${from} at QoS ${qos} is not as it was sent`)
    expect(topic).toBe(sent.topic)
    expect(qos).toBe(Math.min(sent.qos, granted))
    expect(n).toBeGreaterThan(last.get(`${from} ${qos}`) ?? -1)
    last.set(`${from} ${qos}`, n)
    if (version !== 5) continue
    const { topicAlias: _, subscriptionIdentifier: __, messageExpiryInterval, ...others } = properties ?? {}
    const { messageExpiryInterval: expiry, topicAlias: ___, ...sentOthers } = sent.properties
    // mqtt-packet makes objects without a prototype.
    expect(JSON.stringify(others)).toEqual(JSON.stringify(sentOthers))
    expect(messageExpiryInterval ?? -1).toBeLessThanOrEqual(expiry ?? -1)
  }
}

it('every byte of every message is delivered as it was sent', async () => {
  const all = COUNT * PUBLISHERS.length
  const kinds = [
    { version: 3, qos: 0 },
    { version: 4, qos: 0 },
    { version: 4, qos: 1 },
    { version: 4, qos: 2 },
    { version: 5, qos: 0 },
    { version: 5, qos: 2, properties: { subscriptionIdentifier: 7 } },
    { version: 5, qos: 0, properties: { subscriptionIdentifier: 8 } },
    { version: 5, qos: 1, connect: { properties: { topicAliasMaximum: 3, receiveMaximum: 5 } } },
    { version: 5, qos: 0, connect: { properties: { topicAliasMaximum: 100 } } },
    { version: 5, qos: 2, connect: { clean: false, properties: { sessionExpiryInterval: 1_000 } } },
  ] as const
  const subscribers = await Promise.all(
    kinds.map(async (kind, n) => {
      const client = await new Client(kind.version).open({
        clientId: `subscriber ${n}`,
        ...('connect' in kind ? kind.connect : {}),
      })
      await client.subscribe('t/#', kind.qos, 'properties' in kind ? kind.properties : {})
      return client
    }),
  )
  // One is away, and reads later what was kept for it; one reads nothing for a while.
  const away = { clientId: 'away', clean: false, properties: { sessionExpiryInterval: 1_000 } }
  const absent = await new Client(5).open(away)
  await absent.subscribe('t/#', 2)
  absent.socket.destroy()
  subscribers[1]!.socket.pause()
  subscribers[7]!.socket.pause()
  const publishers = await Promise.all(
    PUBLISHERS.map((version, from) => new Client(version).open({ clientId: `publisher ${from}` })),
  )
  await Promise.all(publishers.map(publishAll))
  subscribers[1]!.socket.resume()
  subscribers[7]!.socket.resume()
  await Promise.all(subscribers.map((client) => client.until(() => client.got.length >= all)))
  for (const [n, { version, qos }] of kinds.entries()) {
    expect(subscribers[n]!.got).toHaveLength(all)
    check(subscribers[n]!.got, version, qos)
  }
  const back = await new Client(5).open(away)
  const kept = PUBLISHERS.flatMap((version, from) =>
    Array.from({ length: COUNT }, (_, n) => messageOf(from, version, n)).filter(({ qos }) => qos > 0),
  )
  await back.until(() => back.got.length >= kept.length)
  check(back.got, 5, 2)
})
