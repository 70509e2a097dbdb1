/** CONNECT packets that the handler refuses by its config, and what a CONNECT without optional fields means. */

import { afterEach, describe, expect, it } from 'vitest'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { connectPacket } from '../../test/helpers/connect-packet.ts'
import { HandlerHarness } from '../../test/helpers/handler-harness.ts'

let harness: HandlerHarness
afterEach(() => harness.stop())

describe('serverReference', () => {
  it.each([
    [false, ReasonCode.UseAnotherServer],
    [true, ReasonCode.ServerMoved],
  ])('with moved: %s sends clients of MQTT 5 elsewhere, with the reason %i', (moved, reasonCode) => {
    harness = new HandlerHarness({ serverReference: { server: 'other.example:1883', moved } })
    expect(harness.open().take(connectPacket())).toMatchObject([
      { cmd: 'connack', reasonCode, properties: { serverReference: 'other.example:1883' } },
    ])
    expect(harness.broker.session('client')).toBeUndefined()
  })

  it('closes the connection of a client of MQTT 3, or tells it that the server is unavailable', () => {
    harness = new HandlerHarness({ serverReference: { server: 'other.example:1883', moved: false } })
    const client = harness.open(4)
    const sent = client.take(connectPacket())
    expect(sent.every((packet) => packet.cmd === 'connack' && packet.returnCode === 3)).toBe(true)
    expect(client.connection.open).toBe(false)
  })
})

describe('a Will that says that its payload is UTF-8', () => {
  const will = (payload: Buffer, payloadFormatIndicator = true) => ({
    ...{ topic: 'will', payload, qos: 0 as const, retain: false },
    properties: { payloadFormatIndicator },
  })
  const bad = Buffer.from([0xff])

  it('and is not, is refused with Payload format invalid (0x99)', () => {
    harness = new HandlerHarness({ checkPayloadFormat: true })
    expect(harness.open().take(connectPacket({ will: will(bad) }))).toMatchObject([
      { cmd: 'connack', reasonCode: ReasonCode.PayloadFormatInvalid },
    ])
    for (const each of [will(Buffer.from('ü')), will(bad, false)])
      expect(harness.connect({ will: each }).connack).toMatchObject({ reasonCode: 0 })
  })

  it('is not looked at unless the config says so', () => {
    harness = new HandlerHarness({ checkPayloadFormat: false })
    expect(harness.connect({ will: will(bad) }).connack).toMatchObject({ reasonCode: 0 })
  })
})

it('a CONNECT of a program that leaves optional fields out means those of the specification', () => {
  harness = new HandlerHarness()
  const client = harness.open()
  const { cmd, clientId } = connectPacket()
  const will = { topic: 'will', payload: 'text' as never, qos: undefined as never, retain: undefined as never }
  expect(client.take({ cmd, clientId, will } as never)).toMatchObject([{ cmd: 'connack', reasonCode: 0 }])
  expect(harness.broker.client('client')).toMatchObject({ keepAliveSeconds: 0, session: { hasWill: true } })
  const heard: unknown[] = []
  harness.broker.subscribe('will', ({ topic, payload, qos, retain }) => heard.push([topic, `${payload}`, qos, retain]))
  client.lose()
  expect(heard).toEqual([['will', 'text', 0, false]])
})
