import { describe, expect, it } from 'vitest'
import type { ListenerAuthentication } from '../../src/kinds/listener-authentication.ts'
import { DEFAULT_LISTENER_OPTIONS, type ListenerOptions } from '../../src/kinds/listener-options.ts'
import { checkListener } from './listener-check.ts'

const check = (
  isLocal: boolean,
  options: Partial<ListenerOptions>,
  authentication: Partial<ListenerAuthentication> | undefined,
): string | undefined => {
  const address = isLocal ? '127.0.0.1:1883' : '0.0.0.0:1883'
  const listener = { name: 'lan', address, isLocal, options: { ...DEFAULT_LISTENER_OPTIONS, ...options } }
  const answer = { proof: 'none', unknown: [], known: [], ...authentication } as const
  return checkListener(listener, authentication === undefined ? {} : { authenticationOf: () => answer })
}
const authenticators = { known: ['users', 'tokens'] }

describe('a listener that other machines reach', () => {
  it('is refused when nothing checks who connects: the error names the address and the solutions', () => {
    expect(() => check(false, {}, {})).toThrow(
      'lan is not opened on 0.0.0.0:1883: other machines reach this address or a proxy in front of it, and no component checks who ' +
        'connects. Either enable one of the authenticators of the handler, such as passwordFile, or add one, or listen on 127.0.0.1, or ' +
        'set allowAnonymous: true in the config of lan to accept every client.',
    )
    expect(() => check(false, { authenticators: [] }, authenticators)).toThrow(
      'Either name an authenticator in the authenticators of lan (the handler has users, tokens), or listen on',
    )
  })

  it('is refused when the handler has no authenticationOf', () => {
    expect(() => check(false, {}, undefined)).toThrow('lan is not opened on 0.0.0.0:1883')
  })

  it('is opened with a warning when the config accepts every client', () => {
    const warning = 'Every host that reaches 0.0.0.0:1883 may connect: clients need not authenticate'
    expect(check(false, { allowAnonymous: true }, {})).toBe(warning)
    expect(check(false, { allowAnonymous: true }, undefined)).toBe(warning)
    expect(check(false, { allowAnonymous: true }, { proof: 'named', ...authenticators })).toBe(
      'Every host that reaches 0.0.0.0:1883 may connect: clients without user name and password need not authenticate',
    )
  })

  it('is opened without a warning when every client has to authenticate', () => {
    for (const allowAnonymous of [undefined, false]) {
      expect(check(false, { allowAnonymous }, { proof: 'every', ...authenticators })).toBeUndefined()
    }
  })
})

describe('a listener of this machine alone', () => {
  it.each([
    [undefined, undefined],
    [undefined, {}],
    [true, {}],
    [true, { proof: 'named' }],
    [false, { proof: 'every' }],
  ] as const)('with allowAnonymous %s and %j is opened without a warning', (allowAnonymous, authentication) => {
    expect(check(true, { allowAnonymous }, authentication)).toBeUndefined()
  })
})

it('a listener that no client could use is refused', () => {
  for (const isLocal of [true, false]) {
    expect(() => check(isLocal, { allowAnonymous: false }, {})).toThrow('no client could connect')
  }
})

it('a listener that names authenticators which are not there is refused', () => {
  const unknown = { proof: 'every', unknown: ['user'], ...authenticators } as const
  expect(() => check(true, { allowAnonymous: true }, unknown)).toThrow(
    'lan.authenticators names user, but the handler has users, tokens. Correct the name, enable the component if it is disabled, or add it to the ' +
      'authenticators of the handler.',
  )
  expect(() => check(true, {}, { unknown: ['users'] })).toThrow('but the handler has no authenticators')
})
