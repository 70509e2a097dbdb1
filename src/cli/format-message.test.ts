import { expect, test } from 'vitest'
import type { ReceivedMessage } from '../client/index.ts'
import { compileFormat, messageJson } from './format-message.ts'

const message: ReceivedMessage = {
  topic: 'a/b',
  payload: Buffer.from('{"a":1}'),
  qos: 1,
  retain: true,
  dup: false,
  packetIdentifier: 12,
  properties: {
    payloadFormatIndicator: true,
    messageExpiryInterval: 60,
    contentType: 'text',
    responseTopic: 'r/t',
    correlationData: Buffer.from('xyz'),
    subscriptionIdentifier: [1, 2],
    userProperties: { a: ['b', 'c'], 'd e': 'f' },
  },
}
const now = new Date(2026, 0, 5, 7, 8, 9, 123)

test.each([
  ['%t %p', 'a/b {"a":1}'],
  ['%%', '%'],
  ['%q%r', '11'],
  ['%l', '7'],
  ['%m', '12'],
  ['%C|%D|%E|%F|%R|%S', 'text|xyz|60|1|r/t|1,2'],
  ['[%A]', '[]'],
  ['%P', 'a:b a:c d e:f'],
  ['%x', '7b2261223a317d'],
  ['%X', '7B2261223A317D'],
  ['%10t|', '       a/b|'],
  ['%-10t|', 'a/b       |'],
  ['%.2t|', 'a/|'],
  ['%-5.2t|', 'a/   |'],
  ['%05l', '00007'],
  ['%05t', '  a/b'],
  ['%U', `${Math.floor(now.getTime() / 1000)}.123000000`],
  ['%@Y-%@m-%@d %@H:%@M:%@S.%@N', '2026-01-05 07:08:09.123000000'],
  ['%@F %@T', '2026-01-05 07:08:09'],
  ['\\t\\n\\\\\\e\\a\\v\\r\\0', '\t\n\\\u001b\u0007\u000b\r\0'],
  ['100% sure'.replace('% ', '%% '), '100% sure'],
])('%s', (format, expected) => {
  expect(compileFormat(format)(message, now).toString()).toBe(expected)
})

test('%I is the time with its zone', () => {
  expect(compileFormat('%I')(message, now).toString()).toMatch(/^2026-01-05T07:08:09[+-]\d{4}$/)
})

test('%j has the payload as text, %J as JSON, and text where it is no JSON', () => {
  const asText = JSON.parse(compileFormat('%j')(message, now).toString()) as Record<string, unknown>
  expect(asText).toMatchObject({
    topic: 'a/b',
    qos: 1,
    retain: 1,
    payloadlen: 7,
    mid: 12,
    payload: '{"a":1}',
    properties: { 'content-type': 'text', 'user-properties': { a: ['b', 'c'], 'd e': 'f' } },
  })
  expect(JSON.parse(compileFormat('%J')(message, now).toString())).toMatchObject({ payload: { a: 1 } })
  const noJson = { ...message, payload: Buffer.from('{') }
  expect(JSON.parse(compileFormat('%J')(noJson, now).toString())).toMatchObject({ payload: '{' })
})

test('the payload passes as it is', () => {
  const payload = Buffer.from([0xff, 0x00, 0x80])
  expect(compileFormat('<%p>')({ ...message, payload }, now)).toEqual(Buffer.from([0x3c, 0xff, 0x00, 0x80, 0x3e]))
  expect(JSON.parse(messageJson({ ...message, payload }, now).toString())).toMatchObject({ payloadBase64: '/wCA' })
})

test.each([
  ['%y', '--format: there is no %y; there are %% %A'],
  ['100%', '--format: there is no %; there are'],
  ['%@q', '--format: there is no %@q; there are %@Y'],
  ['\\q', '--format: there is no escape \\q; there are \\0 \\\\ \\a'],
])('%s is a mistake', (format, text) => {
  expect(() => compileFormat(format)).toThrow(text)
})

const bare: ReceivedMessage = { ...message, retain: false, dup: true, packetIdentifier: 0, properties: {} }

test.each([
  ['%@y', '26'],
  ['%@s', String(Math.floor(now.getTime() / 1000))],
  ['%5F|%E', '    1|60'],
  ['%10p|', '   {"a":1}|'],
  ['%-10D|', 'xyz       |'],
  ['%.2p', '{"'],
])('%s', (format, text) => {
  expect(compileFormat(format)(message, now).toString()).toBe(text)
})

test('a padded payload stays what it is, byte by byte', () => {
  const payload = Buffer.from([0xff, 0xc3, 0x80])
  expect(compileFormat('%5p')({ ...message, payload }, now)).toEqual(Buffer.from([0x20, 0x20, 0xff, 0xc3, 0x80]))
})

test('a time zone west of Greenwich', () => {
  const west = new Date(now)
  west.getTimezoneOffset = () => 210
  expect(compileFormat('%@z')(message, west).toString()).toBe('-0330')
  const east = new Date(now)
  east.getTimezoneOffset = () => -60
  expect(compileFormat('%@z')(message, east).toString()).toBe('+0100')
})

test('a message without properties, Packet Identifier and RETAIN', () => {
  expect(compileFormat('[%P][%C]%r%m')(bare, now).toString()).toBe('[][]00')
  const json = JSON.parse(compileFormat('%j')(bare, now).toString()) as object
  expect(json).toMatchObject({ retain: 0, payload: '{"a":1}' })
  expect(json).not.toHaveProperty('mid')
  expect(json).not.toHaveProperty('properties')
  expect(JSON.parse(messageJson(bare, now).toString())).toMatchObject({ dup: true, retain: false, properties: {} })
})

test('Binary Data that is no text is in base64', () => {
  const binary = { ...bare, properties: { correlationData: Buffer.from([0xff, 0]) } }
  expect(JSON.parse(messageJson(binary, now).toString())).toMatchObject({
    properties: { 'correlation-data-base64': '/wA=' },
  })
})

test('JSON has no character that turns the text of a terminal', () => {
  const topic = 'a\u202eb\u009b'
  for (const text of [messageJson({ ...bare, topic }, now), compileFormat('%j')({ ...bare, topic }, now)]) {
    expect(text.toString()).toContain('"a\\u202eb\\u009b"')
    expect(JSON.parse(text.toString())).toMatchObject({ topic })
  }
})
