import { createHmac } from 'node:crypto'
import { expect, it } from 'vitest'
import { survivesASwap } from '../../test/contract/survives-a-swap.ts'
import { JsonService } from '../../test/helpers/json-service.ts'
import { lifecycleContext } from '../../test/helpers/lifecycle-context.ts'
import { peerAt } from '../../test/helpers/peer-at.ts'
import { RecordingLogger } from '../../test/helpers/recording-logger.ts'
import { textFiles } from '../../test/helpers/text-files.ts'
import { jwtConfig } from './config.ts'
import { jwt } from './index.ts'
import type { Jwt } from './jwt.ts'

const [one, two] = ['one secret of thirty-two bytes, or more', 'two secret of thirty-two bytes, or more']
const pathOf = textFiles({ two, short: 'short' })
const names = { issuer: 'i', audience: 'a', requireExpiry: false }
const config = { ...names, algorithms: ['HS256'], secret: one }
const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const tokenBy = (secret: string): string => {
  const text = `${encode({ alg: 'HS256' })}.${encode({ iss: 'i', aud: 'a', sub: 'ann' })}`
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
}
const peer = peerAt('127.0.0.1:1')
const ask = async (instance: Jwt, secret: string, userName = 'ann') =>
  (await instance.authenticate({ clientId: 'c', userName, password: Buffer.from(tokenBy(secret)), peer })).result

survivesASwap<Jwt, { logger: RecordingLogger }>('jwt', {
  component: jwt,
  config,
  others: [
    { ...config, secret: two },
    { ...names, algorithms: ['HS256'], secretFile: pathOf('two') },
    { ...config, userNameMustMatch: true },
    { ...config, tokenIn: 'userName' },
  ],
  refused: [{ ...names, algorithms: ['HS256'], secretFile: pathOf('short') }],
  dependencies: () => ({ logger: new RecordingLogger() }),
  history: [(instance) => ask(instance, one), (instance) => ask(instance, two), (instance) => instance.refresh()],
  observe: async (instance) => {
    const { loads, ...counters } = instance.counters
    const answers = [await ask(instance, one), await ask(instance, two), await ask(instance, one, 'bob')]
    return [counters, answers, instance.hidesUserNames, instance.verifying]
  },
})

it('keeps the keys of a service that does not answer now', async () => {
  const service = await JsonService.start((request) => request.answer(503))
  const context = lifecycleContext('jwt')
  const parse = (more: object) => jwtConfig.parse({ ...names, algorithms: ['RS256'], jwksUrl: service.url, ...more })
  const dependencies = { logger: new RecordingLogger() }
  const instance = await jwt.start(parse({}), dependencies, context)
  const change = await jwt.adjust!(instance, parse({ clockToleranceSeconds: 30 }), dependencies, context)
  change.commit()
  await change.done?.()
  // Keys that count for other algorithms must be there first.
  const other = async () => jwt.adjust!(instance, parse({ algorithms: ['ES256'] }), dependencies, context)
  await expect(other()).rejects.toThrow('status 503')
  instance.stop()
  await service.stop()
})
