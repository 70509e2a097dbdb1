/** The process of the attackers of `npm run attack`. */

import { attackProcess, each } from '../floods/attack-process.ts'
import { FloodClient } from '../floods/flood-client.ts'
import { attacks } from './attacks.ts'
import type { AttackJob } from './messages.ts'

attackProcess(async ({ attack: name, targets, attackers, scale }: AttackJob, { isOver }) => {
  const attack = attacks.find((other) => other.name === name)
  if (attack === undefined) throw new Error(`There is no attack '${name}'.`)
  const { port } = targets.open
  return attack.prepare({
    ...{ targets, port, attackers, each, isOver },
    scaled: (count) => Math.max(1, Math.round(count * scale)),
    clients: () => each(attackers, () => FloodClient.connect(port)),
  })
})
