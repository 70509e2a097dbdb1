/** Finds running components by kind, so that commands do not depend on the names of a system config. */

import type { Authenticator } from '../../src/kinds/authenticator.ts'
import type { Broker } from '../../src/kinds/broker.ts'
import type { Listener } from '../../src/kinds/listener.ts'
import type { Logger } from '../../src/kinds/logger.ts'
import type { Tracer } from '../../src/kinds/tracer.ts'
import type { Dev } from '../../src/system/dev.ts'
import type { SystemView } from '../../src/system/system-view.ts'
import { UsageError } from './command.ts'

/** The running components of a kind, in the order in which they started. */
const runningOf = <T>(system: SystemView | undefined, kind: string): readonly T[] => {
  if (system === undefined) return []
  const map = system.map as Readonly<Record<string, unknown>>
  const running = system.status().filter((each) => each.kind === kind && each.state === 'running')
  return running.map(({ name }) => map[name] as T)
}

export const loggersOf = ({ state }: Dev): readonly Logger[] => runningOf<Logger>(state.system, 'Logger')

/** The authenticators that keep users. */
export const userDirectoriesOf = ({
  state,
}: Dev): readonly (Authenticator & Required<Pick<Authenticator, 'users'>>)[] =>
  runningOf<Authenticator>(state.system, 'Authenticator').filter(
    (each): each is Authenticator & Required<Pick<Authenticator, 'users'>> => each.users !== undefined,
  )

/**
 * Clients that are connected: those of the broker, and without a broker the connections of all listeners. Undefined when the system
 * has neither.
 */
export const clientsOf = (system: SystemView | undefined): number | undefined => {
  const [broker] = runningOf<Broker>(system, 'Broker')
  if (broker !== undefined) return [...broker.clients()].length
  const listeners = runningOf<Listener>(system, 'Listener')
  return listeners.length === 0 ? undefined : listeners.reduce((sum, { connections }) => sum + connections, 0)
}

/** Those that accept connections. */
export const listenersOf = ({ state }: Dev): readonly Listener[] => runningOf<Listener>(state.system, 'Listener')

/** The broker, if the system has one that runs. */
export const findBroker = ({ state }: Dev): Broker | undefined => runningOf<Broker>(state.system, 'Broker')[0]

/** @throws UsageError when there is none. */
export const brokerOf = (dev: Dev): Broker => {
  const broker = findBroker(dev)
  if (broker !== undefined) return broker
  if (dev.state.system?.state !== 'running') throw new UsageError('nothing is running: go() starts the system')
  throw new UsageError('this system has no broker: no component that runs provides the kind Broker')
}

/** The tracer, if the system has one that runs. */
export const findTracer = ({ state }: Dev): Tracer | undefined => runningOf<Tracer>(state.system, 'Tracer')[0]

/** @throws UsageError when there is none. */
export const tracerOf = (dev: Dev): Tracer => {
  const tracer = findTracer(dev)
  if (tracer !== undefined) return tracer
  if (dev.state.system?.state !== 'running') throw new UsageError('nothing is running: go() starts the system')
  throw new UsageError('this system has no tracer: enable the components tracer and trace in its config')
}
