import fc from 'fast-check'
import { expect, it } from 'vitest'
import { parseRequest } from './http-request.ts'

it('reads method, target and headers', () => {
  const request = parseRequest('GET /mqtt?a=b HTTP/1.1\r\nHost: a:1\r\nX-A:\t 1 \r\nx-a: 2\r\nEmpty:')
  expect(request).toMatchObject({ method: 'GET', target: '/mqtt?a=b' })
  expect([...request!.headers]).toEqual([
    ['host', 'a:1'],
    ['x-a', '1, 2'],
    ['empty', ''],
  ])
})

it.each([
  '',
  'GET /mqtt',
  'GET /mqtt HTTP/1.0',
  'GET /mqtt HTTP/2.0',
  'get /mqtt HTTP/1.1',
  'GET  /mqtt HTTP/1.1',
  'GET /a b HTTP/1.1',
  ' GET /mqtt HTTP/1.1',
  'GET /mqtt HTTP/1.1\r\nNo colon',
  'GET /mqtt HTTP/1.1\r\nA : b',
  'GET /mqtt HTTP/1.1\r\nA: b\r\n folded',
  'GET /mqtt HTTP/1.1\r\nA: b\nC: d',
  'GET /mqtt HTTP/1.1\r\nA: \x1b[31m',
  'GET /mqtt HTTP/1.1\r\nHost: a\r\nHost: b',
  'GET /mqtt HTTP/1.1\r\nOrigin: http://a\r\norigin: http://b',
])('%j is no request', (head) => {
  expect(parseRequest(head)).toBeUndefined()
})

it('never throws', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary-ascii', maxLength: 40 }), { maxLength: 8 }), (lines) => {
      parseRequest(`GET /mqtt HTTP/1.1\r\n${lines.join('\r\n')}`)
    }),
  )
})
