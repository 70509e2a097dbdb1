import type { Target } from '../../bench/generator/open-socket.ts'
import type { Assault, Scene } from '../floods/attack.ts'

/** The listeners of the broker. `open` lets clients in without a password, the others do not. */
export const listenerNames = ['server', 'open', 'tls', 'ws', 'wss', 'unix', 'proxied'] as const
export type ListenerName = (typeof listenerNames)[number]
export type Targets = Readonly<Record<ListenerName, Target>>

/** An attack on the broker, of which a hundred well-behaved clients should notice nothing. */
export interface Attack {
  readonly name: string
  /** What the attackers do, with `N` for their number. */
  readonly summary: string
  /** How many attackers there are, and with `--short`. */
  readonly attackers: number
  readonly shortAttackers: number
  /** Prepares the attack. @returns the attack itself. */
  prepare(scene: AttackScene): Promise<Assault>
}

/** The environment of an attack in its process. `port` is that of the listener `open`. */
export interface AttackScene extends Scene {
  readonly targets: Targets
}

/** A user of the broker with its password. */
export interface User {
  readonly name: string
  readonly password: string
}

/** The user of the well-behaved clients, and that of the attackers, who know a password of their own. */
export const users = {
  good: { name: 'good', password: 'good-password-1' },
  attacker: { name: 'attacker', password: 'attacker-password-1' },
} as const satisfies Readonly<Record<string, User>>
