import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { localAddress } from '../../../bench/generator/local-address.ts'
import { openSocket, type Target } from '../../../bench/generator/open-socket.ts'
import type { Assault } from '../../floods/attack.ts'
import type { AttackScene, ListenerName } from '../attack.ts'

/** The pause of an attacker whom the broker lets in no more, in milliseconds. */
const REFUSED_PAUSE_MS = 20

/** What one attacker does once; it is repeated until the time is over. */
export type Act = (attacker: Attacker, round: number) => Promise<void>

/** One of the attackers, with the counts of all of them. */
export class Attacker {
  readonly number: number
  readonly #scene: AttackScene
  readonly #counts: Record<string, number>

  constructor(number: number, scene: AttackScene, counts: Record<string, number>) {
    this.number = number
    this.#scene = scene
    this.#counts = counts
  }

  /** Whether the time of the attack is over. */
  isOver(): boolean {
    return this.#scene.isOver()
  }

  count(what: string, by = 1): void {
    this.#counts[what] = (this.#counts[what] ?? 0) + by
  }

  /**
   * Connects from an address of the attackers.
   * @param as what comes before MQTT; that of the listener unless told otherwise. `tcp` leaves out all handshakes.
   * @throws the error of the network.
   */
  async open(listener: ListenerName, as?: 'tcp'): Promise<Duplex> {
    const target = this.#scene.targets[listener]
    const plain: Target = as === undefined || target.transport === 'unix' ? target : { ...target, transport: as }
    // Never that of the well-behaved clients.
    const from = target.transport === 'unix' ? undefined : localAddress(1 + (this.number % 199))
    const stream = await openSocket(plain, from)
    this.count('connections')
    return stream.on('error', () => undefined).on('data', () => undefined)
  }

  /** Resolves when the broker has closed the connection, or the time of the attack is over. */
  async hold(stream: Duplex, everyMs = 1_000, act: () => void = () => undefined): Promise<void> {
    const closed = once(stream, 'close').catch(() => undefined)
    const timer = setInterval(() => {
      if (this.isOver()) stream.destroy()
      else if (stream.writable) act()
    }, everyMs)
    await closed
    clearInterval(timer)
    if (!this.isOver()) this.count('closed by the broker')
  }
}

/** Prepares an attack in which all attackers do something again and again, until the time is over. What fails ends one round. */
export const repeat =
  (act: Act) =>
  async (scene: AttackScene): Promise<Assault> =>
  async () => {
    const counts: Record<string, number> = {}
    await Promise.all(
      Array.from({ length: scene.attackers }, async (_, number) => {
        const attacker = new Attacker(number, scene, counts)
        for (let round = 0; !attacker.isOver(); round += 1) {
          await act(attacker, round).catch(async () => {
            attacker.count('refused')
            await sleep(REFUSED_PAUSE_MS)
          })
        }
      }),
    )
    return counts
  }
