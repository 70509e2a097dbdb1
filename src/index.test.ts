import { readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import * as exported from './index.ts'

const read = (file: string): string => readFileSync(resolve(import.meta.dirname, file), 'utf8')
const index = read('index.ts')
const kinds = readdirSync(resolve(import.meta.dirname, 'kinds')).filter((file) => !file.endsWith('.test.ts'))

test('every kind is exported with its contract', () => {
  expect(kinds.length).toBeGreaterThan(8)
  expect(kinds.filter((file) => !index.includes(`export * from './kinds/${file}'\n`))).toEqual([])
})

test('every type of src/mqtt that a contract uses is exported', () => {
  const used = kinds.flatMap((file) =>
    [...read(`kinds/${file}`).matchAll(/import type \{([^}]+)\} from '\.\.\/mqtt\//g)].flatMap(([, names]) =>
      names!.split(',').map((name) => name.trim()),
    ),
  )
  const names = new Set(index.match(/[A-Za-z]\w*/g))
  // The contract of the router declares it as its own.
  const missing = used.filter((name) => name !== '' && name !== 'Subscriber' && !names.has(name))
  expect(used).toContain('Message')
  expect([...new Set(missing)]).toEqual([])
})

test('what a program, a component and a system need is exported as a value', () => {
  const functions = ['createBroker', 'createSystem', 'defineComponent', 'defineSystem', 'describeReasonCode', 'kind']
  for (const name of functions) expect(exported).toHaveProperty(name, expect.any(Function))
  expect(exported.Message.of({ topic: 'a', payload: 'grüße' }).payload.toString()).toBe('grüße')
  expect(exported.ReasonCode.NotAuthorized).toBe(0x87)
  expect(exported.Broker.name).toBe('Broker')
})
