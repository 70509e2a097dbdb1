/** The process of the attackers of `npm run floods`. */

import { attackProcess, each } from './attack-process.ts'
import { attacks } from './attacks.ts'
import { FloodClient } from './flood-client.ts'
import type { AttackJob } from './messages.ts'

attackProcess(async ({ attack: name, port, attackers, scale }: AttackJob, { isOver }) => {
  const attack = attacks.find((other) => other.name === name)
  if (attack === undefined) throw new Error(`There is no attack '${name}'.`)
  return attack.prepare({
    ...{ port, attackers, each, isOver },
    scaled: (count) => Math.max(1, Math.round(count * scale)),
    clients: () => each(attackers, () => FloodClient.connect(port)),
  })
})
