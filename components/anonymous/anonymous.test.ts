import { describe, expect, it } from 'vitest'
import { Authenticator } from '../../src/kinds/authenticator.ts'
import { checkConfig } from '../../src/system/check-config.ts'
import { defineSystem } from '../../src/system/define-system.ts'
import { createSystem } from '../../src/system/lifecycle.ts'
import { peerAt } from '../../test/helpers/peer-at.ts'
import { anonymous } from './index.ts'

const attributes = { groups: ['guests'], rules: [{ action: 'subscribe' as const, filter: 'public/#', allow: true }] }
const peer = peerAt('127.0.0.1:50000')

describe('anonymous', () => {
  it('allows a client without user name and password, with the attributes of its config', async () => {
    await using system = createSystem(defineSystem({ guests: { component: anonymous, config: { attributes } } }))
    await system.start()
    const { guests } = system.map
    expect(guests.name).toBe('guests')
    const credentials = { clientId: 'c', userName: undefined, password: undefined, peer }
    expect(await guests.authenticate(credentials)).toEqual({ result: 'allow', userName: undefined, attributes })
    expect(system.measures().map(({ measure }) => [measure.name, measure.read()])).toEqual([['allowed', 1]])
  })

  it.each([
    ['a user name', 'ann', undefined],
    ['an empty user name', '', undefined],
    ['a password', undefined, 'secret'],
    ['an empty password', undefined, ''],
    ['both', 'ann', 'secret'],
  ])('passes a client with %s', async (_, userName, text) => {
    const instance = await anonymous.start(anonymous.config.parse({}), {}, {} as never)
    const password = text === undefined ? undefined : Buffer.from(text)
    expect(await instance.authenticate({ clientId: 'c', userName, password, peer })).toEqual({ result: 'pass' })
  })

  it('provides an Authenticator, and checks its rules', () => {
    expect(anonymous.provides).toBe(Authenticator)
    const wrong = { attributes: { rules: [{ action: 'read', filter: 'a', allow: true }] } }
    const { problems } = checkConfig(defineSystem({ guests: { component: anonymous, config: wrong as never } }))
    expect(problems).toHaveLength(1)
    expect(anonymous.describe?.(anonymous.config.parse({ attributes }))).toBe('groups guests, 1 rule')
  })
})
