import { afterEach, describe, expect, it } from 'vitest'
import { connectPacket } from '../../test/helpers/connect-packet.ts'
import { ControlledMethod } from '../../test/helpers/controlled-method.ts'
import {
  HandlerHarness,
  type HarnessClient,
  persistent,
  publishPacket,
  subscribePacket,
} from '../../test/helpers/handler-harness.ts'
import { asUser, instantMethod } from '../../test/helpers/instant-method.ts'

let broker: HandlerHarness
afterEach(() => broker.stop())

describe('maximumConnectionsPerUser', () => {
  const connect = (userName: string, clientId: string) => broker.connect(asUser(userName, { clientId }))
  const codeOf = ({ connack }: HarnessClient) => (connack as { reasonCode?: number } | undefined)?.reasonCode

  it('refuses a further client of the user with Quota exceeded, and no client of another user', () => {
    broker = new HandlerHarness({ maximumConnectionsPerUser: 2 }, { authenticationMethods: [instantMethod] })
    const [first] = [connect('alice', '1'), connect('alice', '2')]
    const refused = connect('alice', '3')
    expect([codeOf(refused), codeOf(connect('bob', '4'))]).toEqual([0x97, 0])
    expect(refused.connack).toMatchObject({
      properties: { reasonString: 'The user has as many connections as maximumConnectionsPerUser allows.' },
    })
    expect(broker.handler.counters.refusedOfUser).toBe(1)
    first!.lose()
    expect(codeOf(connect('alice', '3'))).toBe(0)
    expect(codeOf(connect('alice', '5'))).toBe(0x97)
  })

  it('lets a client take over its own connection, which counts once', () => {
    broker = new HandlerHarness({ maximumConnectionsPerUser: 1 }, { authenticationMethods: [instantMethod] })
    const first = connect('alice', '1')
    const second = connect('alice', '1')
    expect([codeOf(second), first.connection.open]).toEqual([0, false])
    expect(codeOf(connect('alice', '2'))).toBe(0x97)
    second.lose()
    expect(codeOf(connect('alice', '2'))).toBe(0)
    expect(broker.handler.userConnections.users).toBe(1)
  })
})

describe('maximumConnecting', () => {
  it('refuses a further client with Server busy, and lets those that wait go on', async () => {
    const method = new ControlledMethod()
    broker = new HandlerHarness({ maximumConnecting: 2 }, { authenticationMethods: [method] })
    const open = (clientId: string) => {
      const client = broker.open()
      const properties = { authenticationMethod: method.name }
      return { client, sent: client.take(connectPacket({ clientId, properties })) }
    }
    const [first, second] = [open('1'), open('2')]
    expect(open('3').sent).toMatchObject([{ cmd: 'connack', reasonCode: 0x89 }])
    second.client.lose()
    const third = open('3')
    expect([first.sent, third.sent, open('4').sent]).toMatchObject([[], [], [{ reasonCode: 0x89 }]])
    ;(await method.step(0)).answer({ result: 'success', userName: 'alice' })
    await expect.poll(() => first.client.sent).toMatchObject([{ cmd: 'connack', reasonCode: 0 }])
    expect([open('5').sent, open('6').sent]).toMatchObject([[], [{ reasonCode: 0x89 }]])
    expect(broker.handler.connecting.count).toBe(2)
  })
})

it('refusals by the thousand are logged at debug, but for some', () => {
  broker = new HandlerHarness({}, { authenticationMethods: [instantMethod] })
  for (let count = 0; count < 100; count += 1) {
    const client = broker.open()
    client.connection.banned = true
    client.take(connectPacket(asUser('alice')))
  }
  const refusals = (level: 'warn' | 'debug') =>
    broker.log.at(level).filter(({ message }) => message.startsWith('Client refused')).length
  expect(refusals('warn')).toBeGreaterThanOrEqual(10)
  expect(refusals('warn')).toBeLessThan(100)
  expect(broker.handler.counters.refusals[0x8a]).toBe(100)
})

describe('a client whose address was banned after it connected', () => {
  it.each([
    [5, { reasonCode: 0x8a }],
    [4, { returnCode: 5 }],
  ] as const)('is refused before it is authenticated, with MQTT %i', (version, code) => {
    broker = new HandlerHarness({}, { authenticationMethods: [instantMethod] })
    const client = broker.open(version)
    client.connection.banned = true
    expect(client.take(connectPacket(asUser('alice')))).toMatchObject([{ cmd: 'connack', ...code }])
    expect([client.connection.open, client.connection.failedAuthentications]).toEqual([false, 0])
  })
})

describe('a server that stops', () => {
  it.each([
    [false, 0x9c],
    [true, 0x9d],
  ])('tells its clients which server to use, moved %s', (moved, reasonCode) => {
    broker = new HandlerHarness({ shutdownReference: { server: 'other.example:1883', moved } })
    const client = broker.connect()
    expect(client.stop()).toEqual([
      { cmd: 'disconnect', reasonCode, properties: { serverReference: 'other.example:1883' } },
    ])
    expect(client.connection.closeReason).toBe('server stops')
    expect(broker.log.at('warn')).toEqual([])
    const small = broker.connect({ clientId: 'small', properties: { maximumPacketSize: 20 } })
    expect(small.stop()).toEqual([{ cmd: 'disconnect', reasonCode }])
    expect(broker.connect({ clientId: 'old' }, 4).stop()).toEqual([])
  })

  it('waits for acknowledgements in both directions, and for nothing else', () => {
    broker = new HandlerHarness()
    const idle = broker.open()
    const subscriber = broker.connect(persistent('subscriber'))
    subscriber.take(subscribePacket({ a: { qos: 1 } }))
    const publisher = broker.connect({ clientId: 'publisher' })
    expect([idle, subscriber, publisher].map((each) => each.unfinished)).toEqual([false, false, false])
    publisher.take(publishPacket({ qos: 2 }))
    expect([subscriber.unfinished, publisher.unfinished]).toEqual([true, true])
    subscriber.take({ cmd: 'puback', messageId: 1 })
    publisher.take({ cmd: 'pubrel', messageId: 1 })
    expect([subscriber.unfinished, publisher.unfinished]).toEqual([false, false])
  })
})
