import type { Attack } from './attack.ts'
import { awayQueues, retainedReplay, retainedSearch, sharedAway, wildcardLevels } from './attacks/matching.ts'
import { packetFloods } from './attacks/packet-floods.ts'
import { closeSubscriptions, frozenSubscribers, sessionsFull, unreleased, wills } from './attacks/sessions.ts'

/** No attack: measures the delay of the machine itself. */
const none: Attack = {
  name: 'none',
  summary: 'no attack, for comparison',
  attackers: 0,
  prepare: async () => async () => ({}),
}

/** All attacks, in the order of docs/hardening.md. */
export const attacks: readonly Attack[] = [
  none,
  wildcardLevels,
  sharedAway,
  ...packetFloods,
  wills,
  unreleased,
  sessionsFull,
  frozenSubscribers,
  retainedSearch,
  retainedReplay,
  closeSubscriptions,
  awayQueues,
]
