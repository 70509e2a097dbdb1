import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { showValue } from './show-value.ts'

class Component {
  readonly bytes = Buffer.alloc(70_000)
  readonly numbers = new Uint32Array(1000)
  readonly list = [1, 2, 3]
}

test('memory inside a value is printed by its size', () => {
  const shown = showValue({ component: new Component() }, false)
  expect(shown).toContain('bytes: <Buffer of 70,000 bytes>')
  expect(shown).toContain('numbers: <Uint32Array of 4,000 bytes>')
  expect(shown).toContain('list: [ 1, 2, 3 ]')
})

test('memory that is asked for by itself is printed as it is', () => {
  expect(showValue(Buffer.from('abc'), false)).toBe('<Buffer 61 62 63>')
  expect(showValue(new Uint8Array(2), false)).toBe('Uint8Array(2) [ 0, 0 ]')
})

test('all other code sees memory as before', () => {
  showValue(new Component(), false)
  const explosive = {
    [inspect.custom]: () => {
      throw new Error('no')
    },
  }
  expect(() => showValue(explosive, false)).toThrow('no')
  expect(inspect({ a: Buffer.from('abc'), b: new Uint8Array(1) })).toBe(
    '{ a: <Buffer 61 62 63>, b: Uint8Array(1) [ 0 ] }',
  )
})
