import type { ListenerAuthentication } from '../../src/kinds/listener-authentication.ts'
import type { ListenerOptions } from '../../src/kinds/listener-options.ts'
import type { HandlerStage } from '../../src/kinds/pipeline-stage.ts'
import type { Transport } from '../../src/kinds/transport.ts'

/** The part of a transport that the check looks at. */
export type CheckedListener = Pick<Transport, 'name' | 'address' | 'isLocal' | 'options'>

/**
 * Checks who may connect to a listener before it is opened: a broker must not be open to a network by mistake.
 * @returns a warning for the log if the config lets every host that reaches the address connect.
 * @throws an Error with the reason why the listener is not opened, and the solutions.
 */
export const checkListener = (
  listener: CheckedListener,
  handler: Pick<HandlerStage, 'authenticationOf'>,
): string | undefined => {
  const { name, address, isLocal, options } = listener
  const { proof, unknown, known } = handler.authenticationOf?.(options) ?? NOTHING_CHECKED
  if (unknown.length > 0) throw new Error(unknownAuthenticators(name, unknown, known))
  if (proof === 'none' && options.allowAnonymous === false) {
    throw new Error(
      `${name} is not opened on ${address}: no client could connect. allowAnonymous of ${name} is false, and it has no ` +
        'authenticator. Add a component to the authenticators of the handler, or remove allowAnonymous: false.',
    )
  }
  if (isLocal) return undefined
  if (proof === 'none' && options.allowAnonymous !== true) throw new Error(openToAll(name, address, options, known))
  return warningOf(proof, address, options)
}

/** For a handler without `authenticationOf`. */
const NOTHING_CHECKED: ListenerAuthentication = { proof: 'none', unknown: [], known: [] }

const unknownAuthenticators = (name: string, unknown: readonly string[], known: readonly string[]): string => {
  const has = known.length === 0 ? 'has no authenticators' : `has ${known.join(', ')}`
  return (
    `${name}.authenticators names ${unknown.join(', ')}, but the handler ${has}. Correct the name, enable the component if it is ` +
    'disabled, or add it to the authenticators of the handler.'
  )
}

const openToAll = (name: string, address: string, options: ListenerOptions, known: readonly string[]): string => {
  const add =
    options.authenticators !== undefined && known.length > 0
      ? `name an authenticator in the authenticators of ${name} (the handler has ${known.join(', ')})`
      : 'enable one of the authenticators of the handler, such as passwordFile, or add one'
  return (
    `${name} is not opened on ${address}: other machines reach this address or a proxy in front of it, and no component checks who connects. ` +
    `Either ${add}, or listen on 127.0.0.1, or set allowAnonymous: true in the config of ${name} to accept every client.`
  )
}

const warningOf = (
  proof: ListenerAuthentication['proof'],
  address: string,
  { allowAnonymous }: ListenerOptions,
): string | undefined => {
  if (proof === 'none') return `Every host that reaches ${address} may connect: clients need not authenticate`
  if (allowAnonymous !== true) return undefined
  return `Every host that reaches ${address} may connect: clients without user name and password need not authenticate`
}
