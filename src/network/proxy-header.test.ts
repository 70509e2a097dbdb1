import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAXIMUM_V1_BYTES, ProxyHeaderReader } from './proxy-header.ts'

const V2 = '0d0a0d0a000d0a515549540a'
const IPV4 = 'c0000207 0a000001 1403 075b'
const IPV6 = '20010db8000000000000000000000007 00000000000000000000000000000001 1403 075b'

const bytesOf = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex')
const line = (text: string): Buffer => Buffer.from(`${text}\r\n`, 'latin1')

/** A header of version 2 with the length of what follows. */
const v2 = (commandAndFamily: string, rest: string): Buffer => {
  const body = bytesOf(rest)
  const length = body.length.toString(16).padStart(4, '0')
  return Buffer.concat([bytesOf(`${V2}${commandAndFamily}${length}`), body])
}
const value = (type: string, content: Buffer): string =>
  `${type}${content.length.toString(16).padStart(4, '0')}${content.toString('hex')}`
const text = (content: string): Buffer => Buffer.from(content)
/** The value for TLS: flags, result of the verification, and further values. */
const ssl = (flags: string, verified: string, ...more: string[]): string =>
  value('20', bytesOf([flags, verified, ...more].join('')))

/** Reads a header from the beginning of some bytes, in pieces of the sizes given, and then of any size. */
const readFrom = (bytes: Buffer, sizes: readonly number[] = []) => {
  const reader = new ProxyHeaderReader()
  let offset = 0
  for (let turn = 0; offset < bytes.length; turn += 1) {
    const size = Math.min(reader.wanted, sizes[turn] ?? bytes.length, bytes.length - offset)
    const header = reader.read(bytes.subarray(offset, offset + size))
    offset += size
    if (header !== undefined) return { header, length: offset }
  }
  return { header: undefined, length: offset }
}

const client = { address: '192.0.2.7', port: 5123 }
const valid: readonly (readonly [string, Buffer, object])[] = [
  ['TCP4', line('PROXY TCP4 192.0.2.7 10.0.0.1 5123 1883'), { source: client, tls: undefined }],
  ['TCP6', line('PROXY TCP6 2001:db8::7 ::1 5123 1883'), { source: { address: '2001:db8::7', port: 5123 } }],
  [
    'the longest line',
    line(`PROXY TCP6 ${Array(3).fill('ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff').slice(0, 2).join(' ')} 65535 65535`),
    { source: { address: 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', port: 65_535 } },
  ],
  ['UNKNOWN', line('PROXY UNKNOWN'), { source: undefined, tls: undefined }],
  ['UNKNOWN with addresses', line('PROXY UNKNOWN ffff::1 ffff::2 65535 65535'), { source: undefined }],
  ['IPv4', v2('2111', IPV4), { source: client, tls: undefined }],
  ['IPv4 datagrams', v2('2112', IPV4), { source: client }],
  ['IPv6', v2('2121', IPV6), { source: { address: '2001:db8::7', port: 5123 } }],
  [
    'an IPv4 address in IPv6',
    v2('2121', `00000000000000000000ffffc0000207 ${'00'.repeat(16)} 1403 075b`),
    { source: { address: '::ffff:192.0.2.7', port: 5123 } },
  ],
  [
    'IPv6 without groups of 0',
    v2('2121', `20010db8000100020003000400050006 ${'00'.repeat(16)} 1403 075b`),
    { source: { address: '2001:db8:1:2:3:4:5:6', port: 5123 } },
  ],
  ['a Unix socket', v2('2131', '00'.repeat(216)), { source: { address: '', port: 0 } }],
  ['an unspecified family', v2('2100', ''), { source: undefined, tls: undefined }],
  ['LOCAL', v2('2000', ''), { source: undefined, tls: undefined }],
  ['LOCAL with bytes to ignore', v2('2011', 'ffff'), { source: undefined, tls: undefined }],
  ['unknown values', v2('2111', `${IPV4}${value('04', text('xxx'))}${value('ea', text('vpc'))}`), { tls: undefined }],
  [
    'a server name',
    v2('2111', IPV4 + value('02', text('mqtt.example'))),
    { tls: { serverName: 'mqtt.example', commonName: undefined } },
  ],
  ['TLS without a certificate', v2('2111', IPV4 + ssl('01', '00000000')), { tls: { commonName: undefined } }],
  ['no TLS', v2('2111', IPV4 + ssl('00', '00000001')), { tls: undefined }],
  [
    'a verified certificate',
    v2('2111', IPV4 + ssl('07', '00000000', value('21', text('TLSv1.3')), value('22', text('pump-7')))),
    { source: client, tls: { commonName: 'pump-7' } },
  ],
  [
    'a certificate of this session, which was resumed',
    v2('2111', IPV4 + ssl('05', '00000000', value('22', text('pump-7')))),
    { tls: { commonName: 'pump-7' } },
  ],
  [
    'a certificate that is not valid',
    v2('2111', IPV4 + ssl('07', '0000000a', value('22', text('pump-7')))),
    { tls: { commonName: undefined } },
  ],
  [
    'a name without a certificate',
    v2('2111', IPV4 + ssl('01', '00000000', value('22', text('pump-7')))),
    { tls: { commonName: undefined } },
  ],
  // Computed by another implementation.
  ['a checksum', v2('2111', IPV4 + value('03', bytesOf('d04d8887'))), { source: client, tls: undefined }],
]

const invalid: readonly (readonly [string, Buffer, string])[] = [
  ['MQTT', bytesOf('100c00044d515454040200000000'), 'does not begin with a PROXY header'],
  ['a TLS ClientHello', bytesOf('160301020001'), 'does not begin'],
  ['a wrong letter', Buffer.from('PROXX'), 'does not begin'],
  ['lower case', Buffer.from('proxy'), 'does not begin'],
  ['a broken signature', bytesOf('0d0a0d0a000d0a51554954ff'), 'does not begin'],
  ['a line without end', Buffer.from(`PROXY UNKNOWN ${'x'.repeat(100)}`), `at most ${MAXIMUM_V1_BYTES}`],
  ['an unknown family', line('PROXY UDP4 192.0.2.7 10.0.0.1 5123 1883'), 'valid addresses'],
  ['an IPv6 address as TCP4', line('PROXY TCP4 ::1 ::1 5123 1883'), 'valid addresses'],
  ['an IPv4 address as TCP6', line('PROXY TCP6 192.0.2.7 ::1 5123 1883'), 'valid addresses'],
  ['a name', line('PROXY TCP4 a.b 10.0.0.1 5123 1883'), 'valid addresses'],
  ['a port that is too large', line('PROXY TCP4 192.0.2.7 10.0.0.1 65536 1883'), 'valid ports'],
  ['a port with a zero before it', line('PROXY TCP4 192.0.2.7 10.0.0.1 05123 1883'), 'valid ports'],
  ['two blanks', line('PROXY TCP4  192.0.2.7 10.0.0.1 5123 1883'), 'valid addresses'],
  ['more than a header', line('PROXY TCP4 192.0.2.7 10.0.0.1 5123 1883 x'), 'valid addresses'],
  ['a terminal code in UNKNOWN', line('PROXY UNKNOWN \x1b[31m'), 'valid addresses'],
  ['UNKNOWN with a letter more', line('PROXY UNKNOWNX'), 'valid addresses'],
  ['version 1 in binary', v2('1111', IPV4), 'unknown command'],
  ['an unknown command', v2('2211', IPV4), 'unknown command'],
  ['an unknown family', v2('2141', IPV4), 'unknown address family'],
  ['an unknown protocol', v2('2113', IPV4), 'unknown address family'],
  ['addresses that are cut off', v2('2121', IPV4), 'ends before its addresses'],
  ['more than 2 KiB', bytesOf(`${V2}211107f1`), '2049 bytes, more than 2048'],
  ['a value past the end', v2('2111', `${IPV4}020005616263`), 'past the end'],
  ['half a value', v2('2111', `${IPV4}0200`), 'past the end'],
  ['TLS that is cut off', v2('2111', IPV4 + value('20', bytesOf('0100'))), 'too short'],
  ['a value past the end of TLS', v2('2111', IPV4 + ssl('07', '00000000', '2200ff')), 'past the end'],
  ['a name that is not UTF-8', v2('2111', IPV4 + ssl('07', '00000000', value('22', bytesOf('c3')))), 'no valid text'],
  ['a name with a line break', v2('2111', IPV4 + value('02', text('a\nb'))), 'no valid text'],
  ['a wrong checksum', v2('2111', IPV4 + value('03', bytesOf('00000001'))), 'a wrong checksum'],
  ['a short checksum', v2('2111', IPV4 + value('03', bytesOf('000001'))), 'four bytes'],
]

describe('ProxyHeaderReader', () => {
  it.each(valid)('reads %s', (_, bytes, expected) => {
    expect(readFrom(bytes)).toMatchObject({ header: expected, length: bytes.length })
  })

  it.each(invalid)('refuses %s', (_, bytes, message) => {
    expect(() => readFrom(bytes)).toThrow(message)
    expect(() => readFrom(bytes, Array(bytes.length).fill(1))).toThrow(message)
  })

  it.each(invalid.slice(0, 4))('refuses %s at the first byte that no header has', (_, bytes) => {
    const reader = new ProxyHeaderReader()
    const refused = [...bytes].findIndex((byte) => {
      try {
        reader.read(Uint8Array.of(byte))
        return false
      } catch {
        return true
      }
    })
    expect(refused).toBe([...bytes].findIndex((byte, index) => byte !== 'PROXY '.charCodeAt(index)))
  })

  it('refuses more bytes than it wants', () => {
    expect(() => new ProxyHeaderReader().read(Buffer.from('PROXY UNKNOWN ab'))).toThrow('at most 15 bytes')
  })

  it('finds the same in pieces of any size, and takes no byte behind the header', () => {
    const headers = fc.constantFrom(...valid.map(([, bytes]) => bytes))
    fc.assert(
      fc.property(headers, fc.array(fc.nat(20)), fc.uint8Array({ maxLength: 40 }), (header, sizes, behind) => {
        const whole = readFrom(header)
        const split = readFrom(
          Buffer.concat([header, behind]),
          sizes.map((size) => size + 1),
        )
        expect(split).toEqual(whole)
        expect(split.length).toBe(header.length)
      }),
    )
  })

  it('is incomplete at each byte before the end', () => {
    for (const [, bytes] of valid) {
      for (let end = 0; end < bytes.length; end += 1) expect(readFrom(bytes.subarray(0, end)).header).toBeUndefined()
    }
  })

  it('throws only its own error, for all bytes', () => {
    const start = fc.constantFrom(
      Buffer.from(''),
      Buffer.from('PROXY '),
      bytesOf(`${V2}2111`),
      bytesOf(`${V2}21110020`),
    )
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 80 }), (bytes, more) => {
        try {
          readFrom(Buffer.concat([bytes, more]))
        } catch (error) {
          expect(error).toMatchObject({ name: 'ProxyHeaderError' })
        }
      }),
    )
  })
})
