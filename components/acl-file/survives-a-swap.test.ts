import { renameSync, writeFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { UNKNOWN_PEER } from '../../src/kinds/peer.ts'
import { survivesASwap } from '../../test/contract/survives-a-swap.ts'
import { lifecycleContext } from '../../test/helpers/lifecycle-context.ts'
import { RecordingLogger } from '../../test/helpers/recording-logger.ts'
import { textFiles } from '../../test/helpers/text-files.ts'
import type { AclFile } from './acl-file.ts'
import { aclFileConfig } from './config.ts'
import { aclFile } from './index.ts'

const pathOf = textFiles({ a: 'user ann\ntopic a/#\n', b: 'user ann\ntopic b/#\n', wrong: 'nonsense\n', changing: '' })
const ann = { clientId: 'c', userName: 'ann', peer: UNKNOWN_PEER }
const config = { file: pathOf('a'), watchIntervalMs: 86_400_000 }
const topics = (rules: AclFile) => ['a/x', 'b/x'].filter((topic) => rules.mayPublish(ann, topic, 0, false) === 'allow')

survivesASwap<AclFile, { logger: RecordingLogger }>('aclFile', {
  component: aclFile,
  config,
  others: [
    { ...config, file: pathOf('b') },
    { ...config, maximumRules: 5 },
  ],
  refused: [
    { ...config, file: pathOf('wrong') },
    { ...config, file: pathOf('missing') },
  ],
  dependencies: () => ({ logger: new RecordingLogger() }),
  history: [(rules) => rules.refresh(), topics],
  observe: (rules, { logger }) => [topics(rules), rules.size, { ...rules.counters }, logger.at('error').length],
})

it('writes to another logger, reads the other file again when it changes, and tells the broker of each change', async () => {
  const context = lifecycleContext('rules')
  const [before, after] = [new RecordingLogger(), new RecordingLogger()]
  const rules = await aclFile.start(aclFileConfig.parse(config), { logger: before }, context)
  let changes = 0
  rules.onChange(() => {
    changes += 1
  })
  const other = aclFileConfig.parse({ ...config, file: pathOf('changing') })
  const change = await aclFile.adjust!(rules, other, { logger: after }, context)
  writeFileSync(pathOf('new'), 'user ann\ntopic a/#\ntopic b/#\n')
  // After it was read, and before it is in force.
  renameSync(pathOf('new'), pathOf('changing'))
  change.commit()
  await change.done?.()
  expect([changes, topics(rules)]).toEqual([1, []])
  await rules.look()
  expect([changes, topics(rules)]).toEqual([2, ['a/x', 'b/x']])
  expect([before.lines.length, after.lines.length]).toEqual([0, 1])
  rules.stop()
})
