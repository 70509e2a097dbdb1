import type { IConnectPacket } from 'mqtt-packet'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { connectPacket } from '../../test/helpers/connect-packet.ts'
import {
  HandlerHarness,
  type HarnessClient,
  payloads,
  persistent,
  publishPacket,
  subscribePacket,
} from '../../test/helpers/handler-harness.ts'
import { SlowStore } from '../../test/helpers/slow-store.ts'

let broker: HandlerHarness
beforeEach(() => {
  broker = new HandlerHarness()
})
afterEach(() => broker.stop())

/** A client that was sent a message for each QoS. @returns it and their Packet Identifiers. */
const sentTo = (...allQoS: (1 | 2)[]) => {
  const client = broker.connect(persistent('subscriber'))
  client.take(subscribePacket({ a: {} }))
  const publisher = broker.connect({ clientId: 'publisher' })
  for (const [index, qos] of allQoS.entries()) publisher.take(publishPacket({ qos, messageId: index + 1 }))
  const ids = client.take().flatMap(({ cmd, messageId }) => (cmd === 'publish' ? [messageId!] : []))
  expect(ids).toHaveLength(allQoS.length)
  return { client, ids }
}
const pubrec = (client: HarnessClient, ...ids: number[]) =>
  client.take(...ids.map((messageId) => ({ cmd: 'pubrec', messageId }) as const))
const packets = (sent: readonly { cmd: string; messageId?: number }[]) =>
  sent.filter(({ cmd }) => cmd !== 'connack').map(({ cmd, messageId }) => [cmd, messageId])
const again = (properties: IConnectPacket['properties'] = {}) => {
  const client = broker.open()
  return { client, sent: packets(client.take(connectPacket(persistent('subscriber', { properties })))) }
}

describe('PUBREL that a client is owed when it comes back', () => {
  it.each([
    ['QoS 2', [2, 2, 2]],
    ['QoS 1', [2, 1, 1]],
  ] as const)('is sent before messages at %s, with any Receive Maximum [MQTT-4.4.0-1]', (_, allQoS) => {
    const { client, ids } = sentTo(...allQoS)
    const [a, b, c] = ids
    pubrec(client, a!)
    client.lose()
    const { client: back, sent } = again({ receiveMaximum: 1 })
    expect(sent).toEqual([
      ['pubrel', a],
      ['publish', b],
    ])
    // It needs no quota, and gives none back.
    expect(back.take({ cmd: 'pubcomp', messageId: a! })).toEqual([])
    const acknowledged = allQoS[1] === 2 ? (['pubrec', 'pubcomp'] as const) : (['puback'] as const)
    const more = back.take(...acknowledged.map((cmd) => ({ cmd, messageId: b! })))
    expect(packets(more).at(-1)).toEqual(['publish', c])
  })

  it('goes before messages that were sent earlier', () => {
    const { client, ids } = sentTo(2, 2, 2)
    pubrec(client, ids[2]!)
    client.lose()
    expect(again({ receiveMaximum: 1 }).sent).toEqual([
      ['pubrel', ids[2]],
      ['publish', ids[0]],
    ])
  })

  it('goes in the order of PUBREC, over several connections [MQTT-4.6.0-4]', () => {
    const { client, ids } = sentTo(2, 2, 2, 2)
    const [a, b, c, d] = ids
    pubrec(client, c!, a!)
    client.lose()
    const { client: second, sent } = again({ receiveMaximum: 1 })
    expect(sent).toEqual([
      ['pubrel', c],
      ['pubrel', a],
      ['publish', b],
    ])
    pubrec(second, b!)
    second.lose()
    expect(again({ receiveMaximum: 1 }).sent).toEqual([
      ['pubrel', c],
      ['pubrel', a],
      ['pubrel', b],
      ['publish', d],
    ])
  })

  it('goes though the connection is congested at once, and PUBLISH waits', () => {
    const { client, ids } = sentTo(2, 2)
    pubrec(client, ids[0]!)
    client.lose()
    const back = broker.open()
    back.connection.congested = true
    expect(packets(back.take(connectPacket(persistent('subscriber'))))).toEqual([['pubrel', ids[0]]])
    expect(packets(back.drain())).toEqual([['publish', ids[1]]])
  })

  it('is work of the client that is charged', () => {
    const { client, ids } = sentTo(2, 2, 2)
    pubrec(client, ...ids)
    client.lose()
    const back = broker.open()
    const charged: number[] = []
    back.connection.chargeWork = (units) => void charged.push(units)
    back.take(connectPacket(persistent('subscriber')))
    expect(charged).toContain(3)
  })

  it('is sent once where PUBREC comes late, before the message was sent again', () => {
    const { client, ids } = sentTo(2, 2)
    const [a, b] = ids
    client.lose()
    const { client: back, sent } = again({ receiveMaximum: 1 })
    expect(sent).toEqual([['publish', a]])
    expect(packets(pubrec(back, b!))).toEqual([['pubrel', b]])
    expect(packets(pubrec(back, a!))).toEqual([['pubrel', a]])
    expect(back.take({ cmd: 'pubcomp', messageId: a! }, { cmd: 'pubcomp', messageId: b! })).toEqual([])
    expect(broker.core.gauges.queuedBytes).toBe(0)
  })
})

it('a message that is refused before it was sent is not sent when the store is durable', () => {
  broker.stop()
  const store = new SlowStore()
  broker = new HandlerHarness({}, { store }, () => store.settleAll())
  const client = broker.connect(persistent('subscriber'))
  client.take(subscribePacket({ a: {} }))
  store.settleAll()
  client.take()
  broker.connect({ clientId: 'publisher' }).take(publishPacket({ qos: 2 }))
  expect(client.take({ cmd: 'pubrec', messageId: 1, reasonCode: 0x97 })).toEqual([])
  store.settleAll()
  expect(client.take()).toEqual([])
  expect(broker.core.sessions.get('subscriber')?.unacknowledged).toBe(0)
})

describe('messages at QoS 2 that wait for the store over two connections', () => {
  let store: SlowStore
  beforeEach(() => {
    broker.stop()
    store = new SlowStore()
    broker = new HandlerHarness({}, { store }, () => store.settleAll())
    const client = broker.connect(persistent('subscriber'))
    client.take(subscribePacket({ a: {} }))
    store.settleAll()
    client.take()
    const publisher = broker.connect({ clientId: 'publisher' })
    for (const [index, qos] of ([1, 2, 2, 2] as const).entries()) {
      publisher.take(publishPacket({ qos, messageId: index + 1, payload: Buffer.from(`${index + 1}`) }))
    }
    expect(payloads(client.take())).toEqual(['1'])
    client.lose()
  })
  /** Takes everything that comes, and acknowledges it. @returns the payloads. */
  const finish = (client: HarnessClient): string[] => {
    const got: string[] = []
    for (let sent = client.take(); sent.length > 0; ) {
      got.push(...payloads(sent))
      sent = sent.flatMap(({ cmd, messageId }) => {
        if (cmd !== 'publish' && cmd !== 'pubrel') return []
        const answers = cmd === 'pubrel' ? (['pubcomp'] as const) : (['pubrec', 'pubcomp'] as const)
        return answers.flatMap((answer) => client.take({ cmd: answer, messageId: messageId! }))
      })
      store.settleAll()
      sent.push(...client.take())
    }
    return got
  }
  const comeBack = (receiveMaximum: number) => {
    const client = broker.open()
    const sent = client.take(connectPacket(persistent('subscriber', { properties: { receiveMaximum } })))
    return { client, first: sent.find(({ cmd }) => cmd === 'publish')!.messageId!, got: payloads(sent) }
  }

  it('come in their order when another acknowledgement makes room first [MQTT-4.6.0-6]', () => {
    const { client, first, got } = comeBack(3)
    expect(got).toEqual(['1'])
    store.settleAll()
    const sent = payloads(client.take({ cmd: 'puback', messageId: first }))
    expect([...sent, ...finish(client)]).toEqual(['2', '3', '4'])
  })

  it('come though they fill the Receive Maximum and others wait behind them', () => {
    const { client, first } = comeBack(2)
    client.take({ cmd: 'puback', messageId: first })
    store.settleAll()
    const sent = payloads(client.take())
    expect(sent).toEqual(['2', '3'])
  })
})
