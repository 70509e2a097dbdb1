import { expect, it } from 'vitest'
import { survivesASwap } from '../../test/contract/survives-a-swap.ts'
import { FakeBroker } from '../../test/helpers/fake-broker.ts'
import { lifecycleContext } from '../../test/helpers/lifecycle-context.ts'
import { RecordingLogger } from '../../test/helpers/recording-logger.ts'
import { sysTopicsConfig } from './config.ts'
import { sysTopics } from './index.ts'
import type { SysTopics } from './sys-topics.ts'

interface Parts {
  readonly broker: FakeBroker
  readonly logger: RecordingLogger
  readonly listeners: readonly never[]
}
const partsOf = (): Parts => ({ broker: new FakeBroker(), logger: new RecordingLogger(), listeners: [] })

survivesASwap<SysTopics, Parts>('sysTopics', {
  component: sysTopics,
  config: { intervalSeconds: 3_600 },
  others: [
    { intervalSeconds: 1_800, qos: 2 },
    { intervalSeconds: 3_600, version21: false },
    { intervalSeconds: 3_600, clientEvents: true, node: 'n' },
  ],
  dependencies: partsOf,
  history: [(instance) => instance.publishNow()],
  observe: (instance, { broker }) => [[...broker.kept.keys()].sort(), instance.events?.waiting],
})

it('refuses another broker', async () => {
  const context = lifecycleContext('topics')
  const config = sysTopicsConfig.parse({ intervalSeconds: 3_600 })
  const instance = await sysTopics.start(config, partsOf(), context)
  expect(() => sysTopics.adjust!(instance, config, partsOf(), context)).toThrow('broker is another instance')
  instance.stop()
})
