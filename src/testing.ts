/** What `mqtt-jig/testing` exports: a broker for the tests of a program that speaks MQTT. It needs no test runner. */

import { type BrokerOptions, createBroker, type EmbeddedBroker, type ShippedSystem } from './create-broker.ts'
import type { Message } from './mqtt/message.ts'

export type { BrokerOptions, EmbeddedBroker } from './create-broker.ts'
export type { Message } from './mqtt/message.ts'

export interface TestBroker<C = ShippedSystem> extends EmbeddedBroker<C> {
  /** Where clients connect: `mqtt://127.0.0.1:50123`. */
  readonly url: string
  /**
   * The next message that is published from now on and that a Topic Filter matches. Call it before the action that publishes. The
   * promise stays pending as long as there is no such message: the time limit of the test ends it.
   */
  next(filter: string): Promise<Message>
}

/**
 * Starts a broker on a free port of 127.0.0.1, without a log. The state of each broker is its own.
 * @param options those of `createBroker`.
 */
export const startTestBroker = async <const C extends object = ShippedSystem>(
  options: BrokerOptions<C> = {},
): Promise<TestBroker<C>> => {
  const broker = await createBroker({ port: 0, host: '127.0.0.1', log: 'silent', ...options })
  const { host, port, subscribe } = broker
  const next = (filter: string): Promise<Message> =>
    new Promise((resolve) => {
      const end = subscribe(filter, (message) => {
        end()
        resolve(message)
      })
    })
  const url = `mqtt://${host.includes(':') ? `[${host}]` : host}:${port}`
  return Object.assign(broker, { url, next })
}
