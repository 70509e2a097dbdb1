import { createHash } from 'node:crypto'
import { rmSync } from 'node:fs'
import { expect, it } from 'vitest'
import { survivesASwap } from '../../test/contract/survives-a-swap.ts'
import { lifecycleContext } from '../../test/helpers/lifecycle-context.ts'
import { peerAt } from '../../test/helpers/peer-at.ts'
import { RecordingLogger } from '../../test/helpers/recording-logger.ts'
import { textFiles } from '../../test/helpers/text-files.ts'
import { passwordFileConfig } from './config.ts'
import { passwordFile } from './index.ts'
import type { PasswordFile } from './password-file.ts'

const salt = Buffer.alloc(12, 1)
const lineOf = (name: string, password: string): string =>
  `${name}:$6$${salt.toString('base64')}$${createHash('sha512').update(password).update(salt).digest('base64')}\n`
const pathOf = textFiles({
  a: lineOf('ann', 'pencil') + lineOf('bob', 'eraser'),
  b: lineOf('ann', 'paper') + lineOf('bob', 'eraser'),
  removed: lineOf('ann', 'pencil'),
  wrong: 'ann:nonsense\n',
})
const peer = peerAt('127.0.0.1:1')
const ask = async (instance: PasswordFile, userName: string, password: string) =>
  instance.authenticate({ clientId: 'c', userName, password: Buffer.from(password), peer })
const results = async (instance: PasswordFile) => [
  (await ask(instance, 'ann', 'pencil')).result,
  (await ask(instance, 'ann', 'paper')).result,
  (await ask(instance, 'bob', 'eraser')).result,
  (await ask(instance, 'eve', 'x')).result,
]
const config = { path: pathOf('a') }

survivesASwap<PasswordFile, { logger: RecordingLogger }>('passwordFile', {
  component: passwordFile,
  config,
  others: [{ path: pathOf('b') }, { ...config, cacheSeconds: 0 }, { ...config, maximumQueued: 0 }],
  refused: [{ path: pathOf('wrong') }, { path: pathOf('a/b') }],
  dependencies: () => ({ logger: new RecordingLogger() }),
  history: [results, results, (instance) => instance.refresh()],
  observe: async (instance, { logger }) => {
    const { reads, ...counters } = instance.counters
    const { cached, size, hashing, queued } = instance
    return [counters, cached, size, hashing, queued, instance.list(), await results(instance), logger.at('error')]
  },
})

const context = lifecycleContext('users')
const adjusted = async (instance: PasswordFile, more: object, logger = new RecordingLogger()) => {
  const parsed = passwordFileConfig.parse({ ...config, ...more })
  const change = await passwordFile.adjust!(instance, parsed, { logger }, context)
  change.commit()
  await change.done?.()
}

it('asks about each client again, whose user may have been removed or changed', async () => {
  const logger = new RecordingLogger()
  const instance = await passwordFile.start(passwordFileConfig.parse(config), { logger }, context)
  const answer = await ask(instance, 'ann', 'pencil')
  const identity = { clientId: 'c', userName: 'ann', peer, ...('attributes' in answer ? answer : {}) }
  const accepted: boolean[] = []
  const remove = instance.onRevocation(() => accepted.push(instance.accepts(identity)))
  await adjusted(instance, { cacheSeconds: 1 })
  await adjusted(instance, { path: pathOf('b') })
  await adjusted(instance, {})
  remove()
  await adjusted(instance, { path: pathOf('b') })
  expect(accepted).toEqual([true, false, true])
  instance.stop()
})

it('keeps its users when the file has been removed', async () => {
  const logger = new RecordingLogger()
  const removed = { path: pathOf('removed') }
  const instance = await passwordFile.start(passwordFileConfig.parse(removed), { logger }, context)
  rmSync(pathOf('removed'))
  const other = new RecordingLogger()
  await adjusted(instance, removed, other)
  expect((await ask(instance, 'ann', 'pencil')).result).toBe('allow')
  expect(other.at('error').map(({ message }) => message)).toEqual([expect.stringMatching(/the previous users stay/)])
  instance.stop()
})

it('has no users if there is no file, as at a start', async () => {
  const logger = new RecordingLogger()
  const instance = await passwordFile.start(passwordFileConfig.parse(config), { logger }, context)
  await adjusted(instance, { path: pathOf('missing') })
  expect(instance.list()).toEqual([])
  instance.stop()
})
