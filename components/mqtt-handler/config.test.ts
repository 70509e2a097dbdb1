import { expect, it } from 'vitest'
import { handlerConfig } from './config.ts'

it.each([
  ['answers/%c/', true],
  ['answers/', true],
  ['%c/%c', false],
])('responseInformation %s is legal: %s, since each %%c may be as long as a Client Identifier', (text, legal) => {
  expect(handlerConfig.safeParse({ responseInformation: text }).success).toBe(legal)
})
