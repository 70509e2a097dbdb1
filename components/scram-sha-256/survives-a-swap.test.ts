import { describe, expect, it } from 'vitest'
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

const both = { users: { ...pencil.users, bob: await credential('eraser') } }

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

describe('an exchange under way', () => {
  it.each([
    ['succeeds when the users change and its own stays', both, 'success'],
    ['fails when its user was removed', { users: {} }, 'failure'],
    ['fails when its user has another password', eraser, 'failure'],
  ])('%s', async (_, config, expected) => {
    const method = await scramSha256.start(scramConfig.parse(pencil), {}, lifecycleContext('scram'))
    const finish = begin(method, 'pencil')
    const change = await scramSha256.adjust!(method, scramConfig.parse(config), {}, lifecycleContext('scram'))
    change.commit()
    expect(finish()).toBe(expected)
  })

  it('succeeds when the change is undone', async () => {
    const method = await scramSha256.start(scramConfig.parse(pencil), {}, lifecycleContext('scram'))
    const finish = begin(method, 'pencil')
    const change = await scramSha256.adjust!(method, scramConfig.parse({ users: {} }), {}, lifecycleContext('scram'))
    change.commit()
    change.undo()
    expect(finish()).toBe('success')
  })
})

it('knows its users, for an exchange that another instance has begun', async () => {
  const method: AuthenticationMethod = await scramSha256.start(scramConfig.parse(pencil), {}, lifecycleContext('scram'))
  expect([method.knows?.('ann'), method.knows?.('bob')]).toEqual([true, false])
})
