import { afterEach, expect, it } from 'vitest'
import { ControlledMethod } from '../../test/helpers/controlled-method.ts'
import { HandlerHarness } from '../../test/helpers/handler-harness.ts'

let broker: HandlerHarness
afterEach(() => broker.stop())

const authorizer = { mayPublish: () => 'allow' as const, maySubscribe: () => 'allow' as const }

it('the handler warns that user names are not verified when an authorizer goes by them', () => {
  broker = new HandlerHarness({}, { authorizers: [authorizer] })
  expect(broker.log.at('warn')).toMatchObject([{ message: expect.stringContaining('User names are not verified') }])
})

it('the handler warns of nothing when there is an authentication method, or no authorizer', () => {
  broker = new HandlerHarness({}, { authorizers: [authorizer], authenticationMethods: [new ControlledMethod()] })
  expect(broker.log.at('warn')).toEqual([])
  broker.stop()
  broker = new HandlerHarness()
  expect(broker.log.at('warn')).toEqual([])
})

it.each([
  ['no method', {}, [], false],
  ['a method', {}, [new ControlledMethod()], true],
  ['a method that clients may do without', { allowUnauthenticated: true }, [new ControlledMethod()], false],
] as const)(
  'the handler with %s says whether clients have to authenticate',
  (_, config, authenticationMethods, authenticates) => {
    broker = new HandlerHarness(config, { authenticationMethods })
    expect(broker.handler.authenticates).toBe(authenticates)
  },
)
