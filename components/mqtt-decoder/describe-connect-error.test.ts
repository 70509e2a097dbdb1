import { describe, expect, it } from 'vitest'
import { FakeConnection, PacketRecorder } from '../../test/helpers/fake-connection.ts'
import { packetBytes } from '../../test/helpers/packet-bytes.ts'
import { ConnectionDecoder } from './connection-decoder.ts'
import { SharedDecoding } from './shared-decoding.ts'

/** What the decoder says of some bytes. */
const errorOf = (...chunks: (string | Buffer)[]) => {
  const recorder = new PacketRecorder()
  const shared = new SharedDecoding({ maximumPacketSize: 1000, maximumConnectPacketSize: 100 })
  const decoder = new ConnectionDecoder(new FakeConnection(), recorder, shared)
  for (const chunk of chunks) decoder.bytes(typeof chunk === 'string' ? packetBytes(chunk) : chunk)
  expect(recorder.errors).toHaveLength(1)
  return recorder.errors[0]!
}

describe('the error of a refused CONNECT names the client', () => {
  it.each([
    ['with a wrong flag before the identifier', '10 @ "MQTT" 04 03 003c "kitchen"'],
    ['of a version that is not supported', '10 @ "MQTT" 06 02 003c [] "kitchen"'],
    ['with a Will that is wrong', '10 @ "MQTT" 05 06 003c [] "kitchen" [] "a/#" <00>'],
    ['with bytes behind the last field', '10 @ "MQTT" 04 02 003c "kitchen" 00'],
    ['that is too large, of which a part has come', '10 ffff03 "MQTT" 04 06 003c "kitchen" "a" 7fff'],
  ])('%s', (_, notation) => {
    expect(errorOf(notation).clientId).toBe('kitchen')
  })

  it('that came in pieces', () => {
    const packet = packetBytes('10 @ "MQTT" 04 02 003c "kitchen" 00')
    expect(errorOf(packet.subarray(0, 5), packet.subarray(5)).clientId).toBe('kitchen')
  })

  it('but not a packet whose identifier cannot be read', () => {
    expect(errorOf('10 @ "MQTT" 04 02 003c 0001 ff')).not.toHaveProperty('clientId')
  })
})

it.each([
  ['TLS', Buffer.from('16030100c8010000c40303', 'hex')],
  ['HTTP or WebSocket', Buffer.from('GET /mqtt HTTP/1.1\r\nUpgrade: websocket\r\n')],
  ['a PROXY protocol header', Buffer.from('PROXY TCP4 192.0.2.7 192.0.2.1 5123 1883\r\n')],
  ['a PROXY protocol header', Buffer.from('0d0a0d0a000d0a515549540a2111000c', 'hex')],
])('the error of first bytes that are no MQTT says that they look like %s', (protocol, bytes) => {
  expect(errorOf(bytes)).toMatchObject({ hint: `The first bytes look like ${protocol}.` })
})

it.each([
  ['06 02 003c [] "kitchen"', 'The Protocol Level is 6.'],
  ['84 02 003c "kitchen"', /^The Protocol Level is 132: a bridge of mosquitto .*\(try_private\)\.$/],
  ['86 02 003c "kitchen"', 'The Protocol Level is 134.'],
])('the error of a version that is not supported says which it is: %s', (rest, hint) => {
  const expected = typeof hint === 'string' ? hint : expect.stringMatching(hint)
  expect(errorOf(`10 @ "MQTT" ${rest}`)).toMatchObject({ clientId: 'kitchen', hint: expected })
})

it('the errors of later packets do not mention it', () => {
  const connect = '10 @ "MQTT" 04 02 003c "kitchen"'
  expect(errorOf(connect, Buffer.from('GET / HTTP/1.1'))).not.toHaveProperty('hint')
  expect(errorOf(connect, '82 @ 0000')).not.toHaveProperty('clientId')
})
