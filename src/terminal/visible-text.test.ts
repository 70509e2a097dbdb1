import { describe, expect, test } from 'vitest'
import { visibleJson, visibleLine, visibleText } from './visible-text.ts'

test('control characters are shown in hex', () => {
  expect(visibleLine('a\u001b[31mb\r\n\tc\u0085\u007f')).toBe('a\\x1B[31mb\\x0D\\x0A\\x09c\\x85\\x7F')
  expect(visibleText('a\u001b[31mb\r\n\tc\u0085')).toBe('a\\x1B[31mb\\x0D\n\tc\\x85')
})

describe('characters that change the direction of text', () => {
  const codes = [0x202a, 0x202b, 0x202c, 0x202d, 0x202e, 0x2066, 0x2067, 0x2068, 0x2069, 0x200e, 0x200f, 0x061c]

  test.each(codes.map((code) => [code.toString(16).toUpperCase().padStart(4, '0'), String.fromCharCode(code)]))(
    'U+%s is shown, and the letters keep their order',
    (code, character) => {
      expect(visibleLine(`sensor${character}nimda`)).toBe(`sensor\\u${code}nimda`)
      expect(visibleText(`sensor${character}nimda\n`)).toBe(`sensor\\u${code}nimda\n`)
    },
  )
})

test('separators of lines and paragraphs are shown', () => {
  expect(visibleLine('a\u2028b\u2029c')).toBe('a\\u2028b\\u2029c')
})

test('letters of all scripts, joiners and emoji stay', () => {
  const text = 'Wohnküche مطبخ מטבח 台所 👩‍🍳'
  expect(visibleLine(text)).toBe(text)
})

test('JSON keeps its value', () => {
  const value = { id: 'a\u202eb\u009b2J\u001b\u007f\n\u2028', 'k\u2066': [1, null] }
  const text = visibleJson(value)
  expect(text).toBe('{"id":"a\\u202eb\\u009b2J\\u001b\\u007f\\n\\u2028","k\\u2066":[1,null]}')
  expect(JSON.parse(text)).toEqual(value)
})
