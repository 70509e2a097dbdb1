import { expect, it } from 'vitest'
import { otherProtocol } from './other-protocol.ts'

const text = (bytes: string) => Buffer.from(bytes, 'latin1')
const hex = (bytes: string) => Buffer.from(bytes.replaceAll(' ', ''), 'hex')

it.each([
  ['a TLS ClientHello', hex('16 03 01 02 00 01'), 'The first bytes look like TLS.'],
  ['an HTTP request', text('GET / HTTP/1.1\r\n'), 'The first bytes look like HTTP or WebSocket.'],
  ['an HTTP/2 preface', text('PRI * HTTP/2.0\r\n'), 'The first bytes look like HTTP or WebSocket.'],
  ['a POST request', text('POST /mqtt'), 'The first bytes look like HTTP or WebSocket.'],
  ['an OPTIONS request', text('OPTIONS * HTTP/1.1'), 'The first bytes look like HTTP or WebSocket.'],
  ['version 1 of the PROXY protocol', text('PROXY TCP4 '), 'The first bytes look like a PROXY protocol header.'],
  [
    'version 2 of the PROXY protocol',
    hex('0d0a0d0a000d0a515549540a'),
    'The first bytes look like a PROXY protocol header.',
  ],
])('recognises %s', (_, bytes, sentence) => {
  expect(otherProtocol(bytes)).toBe(sentence)
})

it.each([
  ['nothing', Buffer.alloc(0)],
  ['one byte', hex('16')],
  ['CONNECT', hex('10 0d 0004 4d515454')],
  ['another packet of MQTT', hex('c0 00')],
  ['GETTER', text('GETTER')],
])('the guess of another protocol says nothing of %s', (_, bytes) => {
  expect(otherProtocol(bytes)).toBeUndefined()
})
