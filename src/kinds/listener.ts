import { kind } from '../system/kind.ts'

/** A component that accepts network connections, for the operator and for tests. */
export interface Listener {
  /** The address bound, as the operating system reports it. */
  readonly host: string
  /** The port bound: the real one when the config said 0. */
  readonly port: number
  /** Connections open now. */
  readonly connections: number
}

export const Listener = kind<Listener>()('Listener')
