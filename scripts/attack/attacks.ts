import type { Attack as Flood } from '../floods/attack.ts'
import { wildcardLevels } from '../floods/attacks/matching.ts'
import { packetFloods } from '../floods/attacks/packet-floods.ts'
import { frozenSubscribers, wills } from '../floods/attacks/sessions.ts'
import type { Attack } from './attack.ts'
import { connectStorm, passwordGuessing, retainedFlood } from './attacks/clients.ts'
import { halfOpen, proxyGarbage, slowConnect, slowloris, tlsHandshakes } from './attacks/connections.ts'
import { randomBytesOnListeners, webSocketFragments } from './attacks/garbage.ts'

/** No attack: how much the figures of two times differ by themselves. */
const none: Attack = {
  name: 'none',
  summary: 'no attack, for comparison',
  attackers: 0,
  shortAttackers: 0,
  prepare: async () => async () => ({}),
}

/** An attack of `npm run floods`, on the listener that asks for no password. */
const flood = ({ name, summary, prepare }: Flood, attackers: number, shortAttackers: number): Attack => ({
  ...{ name, summary, attackers, shortAttackers, prepare },
})

const packetFlood = (name: string): Flood => packetFloods.find((each) => each.name === name)!

/** All attacks, in the order of docs/security.md. */
export const attacks: readonly Attack[] = [
  none,
  halfOpen,
  slowConnect,
  tlsHandshakes,
  passwordGuessing,
  connectStorm,
  flood(frozenSubscribers, 100, 30),
  retainedFlood,
  flood(wildcardLevels, 5, 5),
  flood(wills, 1_000, 200),
  flood(packetFlood('publish-qos1'), 10, 5),
  randomBytesOnListeners,
  webSocketFragments,
  proxyGarbage,
  slowloris,
]
