import { setImmediate as nextTurn } from 'node:timers/promises'
import fc, { type Arbitrary } from 'fast-check'
import { generate, type IConnectPacket, type Packet, parser, type QoS } from 'mqtt-packet'
import { vi } from 'vitest'
import { UNITS_PER_TURN } from '../../components/broker/turn-scheduler.ts'
import type { AuthenticationAnswer } from '../../src/kinds/authenticator.ts'
import type { ProtocolVersion } from '../../src/mqtt/protocol-version.ts'
import { ControlledAuthenticator } from './controlled-authenticator.ts'
import { ControlledMethod } from './controlled-method.ts'
import { ImpatientRouter } from './impatient-router.ts'
import { SlowStore } from './slow-store.ts'
import { type Swap, SwappingBroker, type SwappingLine } from './swapping-broker.ts'

/** One step of a history. A client whose connection is closed connects again in its next step. */
export type Step =
  | { readonly do: 'connect'; readonly client: number; readonly options: ConnectOptions }
  | {
      readonly do: 'publish'
      readonly client: number
      readonly topic: number
      readonly qos: QoS
      readonly form: number
    }
  | { readonly do: 'subscribe' | 'unsubscribe'; readonly client: number; readonly filter: number; readonly qos: QoS }
  | { readonly do: 'many' | 'manyLess' | 'ping' | 'disconnect' | 'lose' | 'drain' | 'congest'; readonly client: number }
  | { readonly do: 'acknowledge'; readonly client: number; readonly count: number }
  /** Some of the bytes that the client has written, but that have not arrived. */
  | { readonly do: 'arrive'; readonly client: number; readonly bytes: number }
  | { readonly do: 'settle' | 'settleOldest' | 'pressure' | 'busy' | 'answer' | 'refuse' | 'revoke' | 'turns' | 'time' }

export interface ConnectOptions {
  readonly clean: boolean
  readonly login: 'none' | 'at once' | 'slow' | 'method'
  readonly receiveMaximum: number
  readonly aliases: number
  readonly keepAlive: number
  readonly maximumPacketSize: number
}

const CLIENTS = 3
const VERSIONS: readonly ProtocolVersion[] = [5, 4, 3]
const TOPICS = ['a', 'a/b', 'long/topic/name/that/gets/an/alias', 'other']
const FILTERS = ['a/#', '#', '+', '$share/s/#', 'long/topic/name/that/gets/an/alias', 'other']
/** So many filters are handled over turns. */
const MANY = Array.from({ length: 120 }, (_, n) => `m/${n}`)

const client = fc.nat(CLIENTS - 1)
const qos = fc.constantFrom<QoS>(0, 1, 2)
const connectOptions: Arbitrary<ConnectOptions> = fc.record({
  clean: fc.boolean(),
  login: fc.constantFrom('none', 'none', 'at once', 'slow', 'method'),
  receiveMaximum: fc.constantFrom(1, 3, 100),
  aliases: fc.constantFrom(0, 2, 10),
  keepAlive: fc.constantFrom(0, 60),
  maximumPacketSize: fc.constantFrom(0, 0, 60),
})

export const step: Arbitrary<Step> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ do: fc.constant('connect' as const), client, options: connectOptions }) },
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant('publish' as const), client, topic: fc.nat(3), qos, form: fc.nat(7) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('subscribe' as const), client, filter: fc.nat(5), qos }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('unsubscribe' as const), client, filter: fc.nat(5), qos }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom('many', 'manyLess', 'ping', 'disconnect', 'lose', 'drain', 'congest'),
      client,
    }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('acknowledge' as const), client, count: fc.nat(5) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('arrive' as const), client, bytes: fc.nat(60) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constantFrom(
        ...(['settle', 'settle', 'settleOldest', 'pressure', 'busy', 'answer', 'answer', 'refuse'] as const),
        ...(['revoke', 'turns', 'time'] as const),
      ),
    }),
  },
)

/** What can be observed of a history. */
export interface Observed {
  /** What each connection got, in hexadecimal digits, in the order of the connections. */
  readonly bytes: readonly string[]
  readonly ends: readonly (string | undefined)[]
  readonly sessions: readonly string[]
  readonly counters: unknown
  readonly log: readonly string[]
}

/** Plays histories. Time stands still but for the step `time`. */
export class HistoryPlayer {
  readonly #store = new SlowStore()
  readonly #users = new ControlledAuthenticator('users', { bob: 'eraser' })
  readonly #asked: ((answer: AuthenticationAnswer) => void)[] = []
  readonly #method = new ControlledMethod()
  readonly #answered = new Set<object>()
  readonly broker: SwappingBroker
  readonly #clients = Array.from({ length: CLIENTS }, (_, number) => new SimulatedClient(number))

  constructor(config: object = {}) {
    this.#users.answer = (credentials) =>
      credentials.userName === 'slow'
        ? new Promise((resolve) => this.#asked.push(resolve))
        : this.#users.byPassword(credentials)
    this.broker = new SwappingBroker(
      { topicAliasAfter: 2, ...config },
      {
        store: this.#store,
        router: new ImpatientRouter(30, 10),
        authenticators: [this.#users],
        authenticationMethods: [this.#method],
      },
    )
  }

  /** @param swapAt the swap after the step with this index. */
  async play(steps: readonly Step[], swapAt: (index: number) => Swap | undefined): Promise<Observed> {
    for (const each of this.#clients) each.connect(this.broker, DEFAULTS)
    for (const [index, each] of steps.entries()) {
      const swap = swapAt(index)
      // Between a step and its end: promises are answered, and nothing of that has been heard of yet.
      await this.#take(each)
      this.broker.settle()
      if (swap !== undefined) this.broker.swap(swap)
      this.broker.pump()
    }
    this.#store.pressure = 'none'
    await this.#turns()
    const observed = this.#observe()
    this.broker.stop()
    return observed
  }

  async #take(each: Step): Promise<void> {
    switch (each.do) {
      case 'settle':
        this.#store.settle()
        break
      case 'settleOldest':
        this.#store.endBatch()
        this.#store.settleOldest()
        break
      case 'pressure':
        this.#store.pressure = this.#store.pressure === 'none' ? 'stuck' : 'none'
        break
      case 'busy':
        this.broker.broker.core.scheduler.spend(UNITS_PER_TURN)
        break
      case 'answer':
      case 'refuse':
        this.#answer(each.do === 'answer')
        break
      case 'revoke':
        this.#users.revoke('ann')
        this.#users.revoked.clear()
        break
      case 'turns':
        await this.#turns()
        break
      case 'time':
        vi.advanceTimersByTime(7_000)
        break
      default:
        this.#clients[each.client]!.take(each, this.broker)
    }
  }

  /** Answers what was asked first. */
  #answer(isAccepted: boolean): void {
    const answer = this.#asked.shift()
    const exchange = this.#method.steps.find((pending) => !this.#answered.has(pending))
    if (answer !== undefined) {
      answer(isAccepted ? { result: 'allow', userName: 'ann' } : { result: 'deny', why: 'the test says so' })
    } else if (exchange !== undefined) {
      this.#answered.add(exchange)
      if (isAccepted) exchange.answer({ result: 'success', userName: 'ann', data: Buffer.from('welcome') })
      else exchange.answer({ result: 'continue', data: Buffer.from('more') })
    }
  }

  async #turns(): Promise<void> {
    let quiet = 0
    while (quiet < 4) {
      await nextTurn()
      this.broker.pump()
      quiet = this.broker.broker.core.scheduler.waiting > 0 ? 0 : quiet + 1
    }
  }

  #observe(): Observed {
    const { broker, log, lines, stages } = this.broker
    return {
      bytes: lines.map(({ connection }) => connection.bytes.toString('hex')),
      ends: lines.map(({ connection }) => connection.closeReason),
      sessions: [...broker.sessions()].map((session) => JSON.stringify({ ...session, disconnectedAtMs: undefined })),
      // A copy: what waits in this history may happen in the time of the next one.
      counters: structuredClone((stages.mqttHandler as { counters?: unknown }).counters),
      log: log.lines.map(({ level, message, why }) => `${level} ${message} ${why ?? ''}`),
    }
  }
}

const DEFAULTS: ConnectOptions = {
  ...{ clean: false, login: 'none', receiveMaximum: 100, aliases: 10, keepAlive: 0, maximumPacketSize: 0 },
}

/** A client that writes into a network which delivers its bytes when the test says so. */
class SimulatedClient {
  readonly #number: number
  readonly #version: ProtocolVersion
  #line: SwappingLine | undefined
  /** Bytes on their way. */
  #written = Buffer.alloc(0)
  #parser = parser()
  /** Bytes of the connection that were looked at. */
  #seen = 0
  readonly #toAnswer: Packet[] = []
  #lastIdentifier = 0

  constructor(number: number) {
    this.#number = number
    this.#version = VERSIONS[number % VERSIONS.length]!
  }

  take(each: Extract<Step, { client: number }>, broker: SwappingBroker): void {
    if (each.do === 'connect') {
      this.#line?.lose()
      broker.pump()
      this.connect(broker, each.options)
      return
    }
    if (this.#line?.connection.open !== true) this.connect(broker, DEFAULTS)
    this.#look()
    switch (each.do) {
      case 'publish':
        this.#publish(each.topic, each.qos, each.form)
        break
      case 'subscribe':
        this.#subscribe([FILTERS[each.filter]!], each.qos)
        break
      case 'unsubscribe':
        this.#write({ cmd: 'unsubscribe', messageId: this.#identifier(), unsubscriptions: [FILTERS[each.filter]!] })
        break
      case 'many':
        this.#subscribe(MANY, 1)
        break
      case 'manyLess':
        this.#write({ cmd: 'unsubscribe', messageId: this.#identifier(), unsubscriptions: [...MANY, 'none'] })
        break
      case 'ping':
        this.#write({ cmd: 'pingreq' })
        break
      case 'disconnect':
        this.#write({ cmd: 'disconnect' })
        break
      case 'acknowledge':
        for (const answer of this.#toAnswer.splice(0, each.count)) this.#write(answer)
        break
      case 'arrive':
        this.#arrive(each.bytes)
        return
      case 'lose':
        this.#line!.lose()
        return
      case 'congest':
        this.#line!.connection.congested = true
        return
      case 'drain':
        this.#line!.drain()
        return
    }
    // Half of the packets arrive at once.
    if (this.#written.length % 2 === 0) this.#arrive(this.#written.length)
  }

  connect(broker: SwappingBroker, options: ConnectOptions): void {
    // Each third connection comes from a listener with a mount point, whose clients have the topics below `a` for themselves.
    this.#line = broker.open(broker.lines.length % 3 === 2 ? { mountPoint: 'a/' } : {})
    this.#written = Buffer.alloc(0)
    this.#parser = parser({ protocolVersion: this.#version })
    this.#parser.on('packet', (packet: Packet) => this.#answer(packet))
    this.#parser.on('error', () => undefined)
    this.#seen = 0
    this.#toAnswer.length = 0
    this.#write(connectOf(this.#number, this.#version, options))
    this.#arrive(this.#written.length)
  }

  #publish(topic: number, qos: QoS, form: number): void {
    const alias = form >= 4 && this.#version === 5 ? { properties: { topicAlias: 1 + topic } } : {}
    this.#write({
      ...{ cmd: 'publish', topic: form === 7 && this.#version === 5 ? '' : TOPICS[topic]!, qos, dup: false },
      ...{ retain: form === 1, payload: form === 2 ? 'x'.repeat(200) : `${this.#lastIdentifier}`, ...alias },
      ...(qos > 0 ? { messageId: this.#identifier() } : {}),
    })
  }

  #subscribe(filters: readonly string[], qos: QoS): void {
    const subscriptions = filters.map((topic) => ({ topic, qos }))
    this.#write({ cmd: 'subscribe', messageId: this.#identifier(), subscriptions })
  }

  #identifier(): number {
    this.#lastIdentifier += 1
    return this.#lastIdentifier
  }

  #write(packet: Packet): void {
    this.#written = Buffer.concat([this.#written, generate(packet, { protocolVersion: this.#version })])
  }

  #arrive(bytes: number): void {
    this.#line!.send(this.#written.subarray(0, bytes))
    this.#written = this.#written.subarray(bytes)
  }

  /** Reads what came. */
  #look(): void {
    const { bytes } = this.#line!.connection
    this.#parser.parse(bytes.subarray(this.#seen))
    this.#seen = bytes.length
  }

  #answer(packet: Packet): void {
    const { messageId } = packet
    if (packet.cmd === 'publish' && packet.qos === 1) this.#toAnswer.push({ cmd: 'puback', messageId: messageId! })
    else if (packet.cmd === 'publish' && packet.qos === 2) this.#toAnswer.push({ cmd: 'pubrec', messageId: messageId! })
    else if (packet.cmd === 'pubrec') this.#toAnswer.push({ cmd: 'pubrel', messageId: messageId! })
    else if (packet.cmd === 'pubrel') this.#toAnswer.push({ cmd: 'pubcomp', messageId: messageId! })
    else if (packet.cmd === 'auth') {
      const properties = { authenticationMethod: 'CONTROLLED', authenticationData: Buffer.from('again') }
      this.#toAnswer.push({ cmd: 'auth', reasonCode: 0x18, properties })
    }
  }
}

const connectOf = (number: number, version: ProtocolVersion, options: ConnectOptions): IConnectPacket => {
  const { clean, login, receiveMaximum, aliases, keepAlive, maximumPacketSize } = options
  const properties = {
    ...{ sessionExpiryInterval: clean ? 0 : 3_600, receiveMaximum, topicAliasMaximum: aliases },
    ...(maximumPacketSize > 0 ? { maximumPacketSize } : {}),
    ...(login === 'method' ? { authenticationMethod: 'CONTROLLED', authenticationData: Buffer.from('first') } : {}),
  }
  const isNamed = login === 'at once' || login === 'slow'
  return {
    ...{ cmd: 'connect', clientId: `client-${number}`, clean, keepalive: keepAlive, protocolVersion: version },
    protocolId: version === 3 ? 'MQIsdp' : 'MQTT',
    ...(isNamed ? { username: login === 'slow' ? 'slow' : 'bob', password: Buffer.from('eraser') } : {}),
    ...(version === 5 ? { properties } : {}),
  }
}
