import type { IConnackPacket, IConnectPacket, IPublishPacket, Packet } from 'mqtt-packet'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Router, Subscriber } from '../../src/kinds/router.ts'
import type { ProtocolVersion } from '../../src/mqtt/protocol-version.ts'
import { protocolError, refusal } from '../../src/mqtt/refusal.ts'
import { FakeConnection, PacketRecorder } from '../../test/helpers/fake-connection.ts'
import { RecordingLogger } from '../../test/helpers/recording-logger.ts'
import { handlerConfig } from './config.ts'
import { MqttHandler } from './mqtt-handler.ts'

/** A router that knows filters as they are written: matching is not the handler's. */
class FakeRouter implements Router {
  readonly subscribers = new Map<string, Set<Subscriber>>()
  readonly published: IPublishPacket[] = []

  get subscriptions(): number {
    return [...this.subscribers.values()].reduce((sum, { size }) => sum + size, 0)
  }

  subscribe(filter: string, subscriber: Subscriber): void {
    this.subscribers.set(filter, (this.subscribers.get(filter) ?? new Set()).add(subscriber))
  }

  unsubscribe(filter: string, subscriber: Subscriber): boolean {
    return this.subscribers.get(filter)?.delete(subscriber) === true
  }

  publish(message: IPublishPacket): void {
    this.published.push(message)
    for (const subscriber of this.subscribers.get(message.topic) ?? []) subscriber.deliver(message)
  }
}

let router: FakeRouter
let log: RecordingLogger
let handler: MqttHandler
let connections = 0

const start = (config: object = {}) => {
  handler?.stop()
  router = new FakeRouter()
  log = new RecordingLogger()
  handler = new MqttHandler(handlerConfig.parse(config), router, log)
}
beforeEach(() => {
  vi.useFakeTimers()
  start()
})
afterEach(() => {
  handler.stop()
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

/** A connection with what the handler sends to it. */
const open = (protocolVersion: ProtocolVersion | 0 = 4) => {
  const connection = new FakeConnection(++connections)
  connection.protocolVersion = protocolVersion
  const out = new PacketRecorder()
  const receiver = handler.open(connection, out)
  return {
    connection,
    receiver,
    sent: out.packets,
    take: (...packets: Packet[]) => {
      for (const packet of packets) receiver.packet(packet)
      return out.packets.splice(0)
    },
  }
}
const connect = (fields: Partial<IConnectPacket> = {}): IConnectPacket => ({
  cmd: 'connect',
  clientId: 'a client',
  clean: true,
  keepalive: 0,
  ...fields,
})
const connected = (fields: Partial<IConnectPacket> = {}) => {
  const client = open()
  expect(client.take(connect(fields))).toEqual([{ cmd: 'connack', returnCode: 0, sessionPresent: false }])
  return client
}
const publish = (fields: Partial<IPublishPacket> = {}): IPublishPacket => ({
  cmd: 'publish',
  topic: 'a',
  payload: Buffer.from('payload'),
  qos: 0,
  dup: false,
  retain: false,
  ...fields,
})
const subscribe = (...filters: string[]): Packet => ({
  cmd: 'subscribe',
  messageId: 5,
  subscriptions: filters.map((topic) => ({ topic, qos: 1 })),
})

describe('CONNECT', () => {
  it('is answered with CONNACK and makes the client known', () => {
    connected({ clientId: 'name' })
    expect([...handler.clients.keys()]).toEqual(['name'])
  })

  it('must be the first packet [MQTT-3.1.0-1]', () => {
    const { take, connection } = open()
    expect(take(subscribe('a'))).toEqual([])
    expect(connection.closeReason).toBe('client sent subscribe before connect')
  })

  it('may not come twice [MQTT-3.1.0-2]', () => {
    const { take, connection } = connected()
    expect(take(connect())).toEqual([])
    expect(connection.closeReason).toContain('client sent connect')
    expect(handler.clients.size).toBe(0)
  })

  it('without a Client Identifier gets one of its own [MQTT-3.1.3-6]', () => {
    connected({ clientId: '' })
    connected({ clientId: '' })
    expect(handler.clients.size).toBe(2)
  })

  it('takes the Client Identifier over from whoever has it [MQTT-3.1.4-2]', () => {
    const first = connected()
    first.take(subscribe('a'))
    const second = connected()
    expect(first.connection.open).toBe(false)
    expect(router.subscriptions).toBe(0)
    first.receiver.closed?.()
    expect(handler.clients.size).toBe(1)
    expect(second.connection.open).toBe(true)
  })

  const will = { topic: 'a', payload: Buffer.from('gone') }
  it.each([
    ['no Client Identifier, yet Clean Session 0 [MQTT-3.1.3-8]', { clientId: '', clean: false }, 0x02],
    ['a session to be kept', { clean: false }, 0x03],
    ['a Will Message', { will }, 0x03],
  ])('is refused with its return code: %s', (_, fields, returnCode) => {
    const before = connected()
    const { take, connection } = open()
    expect(take(connect(fields))).toEqual([{ cmd: 'connack', returnCode, sessionPresent: false }])
    expect(connection.open).toBe(false)
    expect(log.at('warn')).toHaveLength(1)
    expect(before.connection.open).toBe(true)
  })

  it.each<[string, ProtocolVersion, Partial<IConnackPacket>]>([
    ['3.1', 3, { returnCode: 0x01 }],
    ['5.0', 5, { reasonCode: 0x84 }],
  ])('of MQTT %s is refused in the form of that version [MQTT-3.1.2-2]', (_, version, code) => {
    const { take, connection } = open(version)
    expect(take(connect())).toEqual([{ cmd: 'connack', sessionPresent: false, ...code }])
    expect(connection.open).toBe(false)
  })

  it.each<[ProtocolVersion | 0, object[]]>([
    [4, [{ cmd: 'connack', sessionPresent: false, returnCode: 0x01 }]],
    [5, [{ cmd: 'connack', sessionPresent: false, reasonCode: 0x84 }]],
    [0, []],
  ])('of a version that the decoder does not know is refused too, where it has a form (%s)', (version, answer) => {
    const { receiver, connection, sent } = open(version)
    receiver.fail?.(refusal(0x84, 'The Protocol Version is not supported.'))
    expect(sent).toEqual(answer)
    expect(connection.open).toBe(false)
  })
})

describe('PUBLISH', () => {
  it('goes to the router as it came, and to each subscriber as the same object', () => {
    const [publisher, ...subscribers] = ['p', 's1', 's2'].map((clientId) => connected({ clientId }))
    for (const { take } of subscribers) take(subscribe('a'))
    const message = publish()
    publisher?.take(message)
    for (const { sent } of subscribers) expect(sent[0]).toBe(message)
  })

  it.each([{ qos: 1, messageId: 1 } as const, { qos: 2, messageId: 1 } as const, { retain: true }])(
    'that is not supported yet closes the connection, and is not delivered: %o',
    (fields) => {
      const { take, connection } = connected()
      expect(take(publish(fields))).toEqual([])
      expect(connection.closeReason).toContain('not supported yet')
      expect(log.at('warn')).toHaveLength(1)
      expect(router.published).toEqual([])
    },
  )
})

describe('SUBSCRIBE', () => {
  it('is answered with one return code for each filter, in their order, and grants QoS 0 [MQTT-3.9.3-1]', () => {
    const { take } = connected()
    const answer = take(subscribe('a', '$share/group/b', 'c/#', `${'/'.repeat(127)}`, `${'/'.repeat(128)}`))
    expect(answer).toEqual([{ cmd: 'suback', messageId: 5, granted: [0, 0x80, 0, 0, 0x80] }])
    expect([...router.subscribers.keys()]).toEqual(['a', 'c/#', '/'.repeat(127)])
    expect(log.at('warn')).toHaveLength(2)
  })

  it('to a filter that is too long or too deep is refused, the others of the packet are not', () => {
    start({ maximumFilterLength: 10, maximumTopicLevels: 3 })
    const { take } = connected()
    const filters = ['x'.repeat(10), 'x'.repeat(11), '+/+/+', '+/+/+/+', 'a']
    expect(take(subscribe(...filters))).toMatchObject([{ granted: [0, 0x80, 0, 0x80, 0] }])
    expect(router.subscriptions).toBe(3)
  })

  it('beyond the maximum is refused; what is there can be renewed', () => {
    start({ maximumSubscriptions: 2 })
    const { take } = connected()
    expect(take(subscribe('a', 'b', 'c', 'a'))).toMatchObject([{ granted: [0, 0, 0x80, 0] }])
    take({ cmd: 'unsubscribe', messageId: 6, unsubscriptions: ['a'] })
    expect(take(subscribe('c'))).toMatchObject([{ granted: [0] }])
  })
})

describe('UNSUBSCRIBE', () => {
  it('is answered with UNSUBACK, even where there was nothing to end [MQTT-3.10.4-5]', () => {
    const { take } = connected()
    take(subscribe('a', 'b'))
    const answer = take({ cmd: 'unsubscribe', messageId: 6, unsubscriptions: ['a', 'never'] })
    expect(answer).toMatchObject([{ cmd: 'unsuback', messageId: 6 }])
    expect(router.subscriptions).toBe(1)
  })
})

describe('PINGREQ', () => {
  it('is answered with PINGRESP [MQTT-3.12.4-1]', () => {
    expect(connected().take({ cmd: 'pingreq' })).toEqual([{ cmd: 'pingresp' }])
  })
})

describe('the end of a connection', () => {
  it.each<[string, (client: ReturnType<typeof open>) => void]>([
    ['DISCONNECT', ({ take }) => take({ cmd: 'disconnect' })],
    ['a protocol error', ({ receiver }) => receiver.fail?.(protocolError('It was wrong.'))],
    ['what a client may not send', ({ take }) => take({ cmd: 'puback', messageId: 1 })],
    ['the loss of the network', ({ receiver }) => receiver.closed?.()],
  ])('by %s leaves nothing behind', (_, end) => {
    const client = connected({ keepalive: 10 })
    client.take(subscribe('a', 'b/+'))
    end(client)
    client.receiver.closed?.()
    expect([client.connection.open, client.sent]).toEqual([false, []])
    expect([handler.clients.size, router.subscriptions]).toEqual([0, 0])
    vi.advanceTimersByTime(60_000)
    expect(log.lines.map(({ message }) => message)).toEqual(['Client connected', 'Client disconnected'])
  })

  it('is the end: packets of the same chunk are not looked at', () => {
    const { take } = connected()
    take({ cmd: 'disconnect' }, publish())
    expect(router.published).toEqual([])
  })
})

describe('time', () => {
  it('is up for a connection that sends no CONNECT packet', () => {
    start({ connectDeadlineMs: 1_000 })
    const { connection } = open(0)
    vi.advanceTimersByTime(1_000)
    expect(connection.open).toBe(true)
    vi.advanceTimersByTime(500)
    expect(connection.closeReason).toContain('connectDeadlineMs')
  })

  it('is up for a client that is silent for one and a half times its Keep Alive [MQTT-3.1.2-24]', () => {
    const { connection, take } = connected({ keepalive: 10 })
    for (let n = 0; n < 5; n++) {
      vi.advanceTimersByTime(14_900)
      take({ cmd: 'pingreq' })
    }
    vi.advanceTimersByTime(15_000)
    expect(connection.open).toBe(true)
    vi.advanceTimersByTime(500)
    expect(connection.closeReason).toContain('Keep Alive')
  })

  it('is never up for a client with a Keep Alive of 0', () => {
    const { connection } = connected({ keepalive: 0 })
    vi.advanceTimersByTime(24 * 3_600_000)
    expect(connection.open).toBe(true)
  })
})

describe('a subscriber that does not read', () => {
  it('gets no messages while it is congested; they are counted, and logged once for each time', () => {
    const { take, connection } = connected()
    take(subscribe('a'))
    const publisher = connected({ clientId: 'publisher' })
    const delivered = (congested: boolean, messages: number) => {
      connection.congested = congested
      for (let n = 0; n < messages; n++) publisher.take(publish())
      return take().length
    }
    expect([delivered(true, 3), delivered(false, 2), delivered(true, 4)]).toEqual([0, 2, 0])
    expect(handler.dropped).toBe(7)
    expect(handler.clients.get('a client')?.dropped).toBe(7)
    expect(log.at('warn')).toHaveLength(2)
    expect(publisher.connection.open).toBe(true)
  })
})
