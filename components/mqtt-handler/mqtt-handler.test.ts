import { afterEach, describe, expect, it } from 'vitest'
import { DEFAULT_LISTENER_OPTIONS } from '../../src/kinds/listener-options.ts'
import { ControlledAuthenticator } from '../../test/helpers/controlled-authenticator.ts'
import { ControlledMethod } from '../../test/helpers/controlled-method.ts'
import { HandlerHarness } from '../../test/helpers/handler-harness.ts'

let broker: HandlerHarness
afterEach(() => broker.stop())

const authorizer = { mayPublish: () => 'allow' as const, maySubscribe: () => 'allow' as const }

it('the handler warns that user names are not verified when an authorizer goes by them', () => {
  broker = new HandlerHarness({}, { authorizers: [authorizer] })
  expect(broker.log.at('warn')).toMatchObject([{ message: expect.stringContaining('User names are not verified') }])
})

it('the handler logs no warning when there is an authenticator, an authentication method, or no authorizer', () => {
  broker = new HandlerHarness({}, { authorizers: [authorizer], authenticators: [new ControlledAuthenticator('users')] })
  expect(broker.log.at('warn')).toEqual([])
  broker.stop()
  broker = new HandlerHarness({}, { authorizers: [authorizer], authenticationMethods: [new ControlledMethod()] })
  expect(broker.log.at('warn')).toEqual([])
  broker.stop()
  broker = new HandlerHarness()
  expect(broker.log.at('warn')).toEqual([])
})

describe('describes the authentication of a listener', () => {
  const method = new ControlledMethod()
  const users = new ControlledAuthenticator('users')
  const tokens = new ControlledAuthenticator('tokens')
  it.each([
    ['nothing', [], [], {}, 'none'],
    ['a method', [], [method], {}, 'every'],
    ['a method, and anonymous clients', [], [method], { allowAnonymous: true }, 'named'],
    ['an authenticator', [users], [], {}, 'every'],
    ['an authenticator, and anonymous clients', [users], [], { allowAnonymous: true }, 'named'],
    ['an authenticator that the listener names', [users, tokens], [], { authenticators: ['tokens'] }, 'every'],
    ['an authenticator that the listener leaves out', [users], [], { authenticators: [] }, 'none'],
    ['a name that is not there', [users], [], { authenticators: ['user'] }, 'every'],
  ] as const)('with %s', (_, authenticators, authenticationMethods, options, proof) => {
    broker = new HandlerHarness({}, { authenticators, authenticationMethods })
    const { known, ...said } = broker.handler.authenticationOf({ ...DEFAULT_LISTENER_OPTIONS, ...options } as never)
    const isUnknown = 'authenticators' in options && (options.authenticators as readonly string[]).includes('user')
    expect(said).toEqual({ proof, unknown: isUnknown ? ['user'] : [] })
    expect(known).toEqual(authenticators.map(({ name }) => name))
  })
})

it('two authenticators of one name are refused at the start', () => {
  broker = new HandlerHarness()
  const authenticators = [new ControlledAuthenticator('users'), new ControlledAuthenticator('users')]
  expect(() => new HandlerHarness({}, { authenticators })).toThrow('two authenticators have the name users')
})
