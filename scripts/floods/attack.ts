import type { FloodClient } from './flood-client.ts'

/** What clients do to a broker to delay the others. */
export interface Attack {
  readonly name: string
  /** What the attackers do, with `N` for their number. */
  readonly summary: string
  /** How many there are when the command line does not say. */
  readonly attackers: number
  /** How long it lasts when the command line does not say, in seconds. */
  readonly seconds?: number
  /** Values of the broker's config that the attack needs. */
  readonly settings?: readonly string[]
  /** Whether the attackers are shared out over several processes. */
  readonly spread?: boolean
  /**
   * Makes what the attack needs: subscriptions, sessions, retained messages. The well-behaved client is served meanwhile.
   * @returns the attack itself.
   */
  prepare(scene: Scene): Promise<Assault>
}

/** The attack itself, once or until the time is over. */
export type Assault = () => Promise<Outcome>

/** What came of an attack: numbers, each with what it counts. Those of several processes are added up. */
export type Outcome = Readonly<Record<string, number>>

/** What an attack finds in its process. */
export interface Scene {
  readonly port: number
  /** How many attackers this process plays. */
  readonly attackers: number
  /** A number of things, made smaller by `--scale`; at least 1. */
  scaled(count: number): number
  /** Whether the time of the attack is over. It begins when the assault does. */
  readonly isOver: () => boolean
  /** Does something for each of the numbers from 0, some dozens at the same time. */
  each<T>(count: number, act: (index: number) => Promise<T>): Promise<T[]>
  /** As many clients as there are attackers, connected. */
  clients(): Promise<FloodClient[]>
}
