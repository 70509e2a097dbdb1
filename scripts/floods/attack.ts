import type { FloodClient } from './flood-client.ts'

/** An attack: legal packets of clients that delay other clients. */
export interface Attack {
  readonly name: string
  /** What the attackers do, with `N` for their number. */
  readonly summary: string
  /** The default number of attackers. */
  readonly attackers: number
  /** The default duration, in seconds. */
  readonly seconds?: number
  /** Values of the broker's config that the attack needs. */
  readonly settings?: readonly string[]
  /** Whether the attackers are distributed over several processes. */
  readonly spread?: boolean
  /**
   * Prepares the attack: subscriptions, sessions, retained messages. The well-behaved client is served meanwhile.
   * @returns the attack itself.
   */
  prepare(scene: Scene): Promise<Assault>
}

/** The attack itself, once or until the time is over. */
export type Assault = () => Promise<Outcome>

/** The result of an attack: numbers with their meaning. The numbers of several processes are added. */
export type Outcome = Readonly<Record<string, number>>

/** The environment of an attack in its process. */
export interface Scene {
  readonly port: number
  /** How many attackers this process plays. */
  readonly attackers: number
  /** A number of things, made smaller by `--scale`; at least 1. */
  scaled(count: number): number
  /** Whether the time of the attack is over. It begins when the assault does. */
  readonly isOver: () => boolean
  /** Calls a function for each number from 0, some dozens at the same time. */
  each<T>(count: number, act: (index: number) => Promise<T>): Promise<T[]>
  /** As many clients as there are attackers, connected. */
  clients(): Promise<FloodClient[]>
}
