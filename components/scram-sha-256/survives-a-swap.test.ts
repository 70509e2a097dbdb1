import { expect, it } from 'vitest'
import type { AuthenticationMethod, AuthenticationStep } from '../../src/kinds/authentication-method.ts'
import { UNKNOWN_PEER } from '../../src/kinds/peer.ts'
import { survivesASwap } from '../../test/contract/survives-a-swap.ts'
import { lifecycleContext } from '../../test/helpers/lifecycle-context.ts'
import { ScramClient } from '../../test/helpers/scram-client.ts'
import { scramConfig } from './config.ts'
import { formatCredential } from './credential.ts'
import { scramSha256 } from './index.ts'
import { deriveKeys } from './keys.ts'

const salt = Buffer.alloc(16, 7)
const credential = async (password: string): Promise<string> =>
  formatCredential({ salt, iterations: 4_096, ...(await deriveKeys(password, salt, 4_096)) })
const pencil = { users: { ann: await credential('pencil') } }
const eraser = { users: { ann: await credential('eraser') } }

const begin = (method: AuthenticationMethod, password: string) => {
  const partner = new ScramClient({ user: 'ann', password })
  const exchange = method.begin({ clientId: 'c', userName: undefined, peer: UNKNOWN_PEER })
  const challenge = exchange.step(partner.first()) as AuthenticationStep
  return () =>
    challenge.result === 'continue'
      ? (exchange.step(partner.answer(challenge.data)) as AuthenticationStep).result
      : challenge.result
}

survivesASwap<AuthenticationMethod, object>('scramSha256', {
  component: scramSha256,
  config: pencil,
  others: [eraser, { users: {} }],
  dependencies: () => ({}),
  history: [(method) => begin(method, 'pencil')()],
  observe: (method) => ['pencil', 'eraser'].map((password) => begin(method, password)()),
})

it('completes an exchange that began before with the users that it began with', async () => {
  const method = await scramSha256.start(scramConfig.parse(pencil), {}, lifecycleContext('scram'))
  const finish = begin(method, 'pencil')
  const change = await scramSha256.adjust!(method, scramConfig.parse(eraser), {}, lifecycleContext('scram'))
  change.commit()
  expect(finish()).toBe('success')
  expect(begin(method, 'pencil')()).toBe('failure')
})
