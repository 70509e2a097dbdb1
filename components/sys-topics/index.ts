import { packageVersion } from '../../src/files/package-version.ts'
import { Broker } from '../../src/kinds/broker.ts'
import { Listener } from '../../src/kinds/listener.ts'
import { Logger } from '../../src/kinds/logger.ts'
import { SysTopics as Kind } from '../../src/kinds/sys-topics.ts'
import { counter, defineComponent, gauge, type LifecycleContext } from '../../src/system/define-system.ts'
import { all } from '../../src/system/kind.ts'
import { type SysTopicsConfig, sysTopicsConfig } from './config.ts'
import { readHandover, type SysTopicsHandover } from './handover.ts'
import { SysTopics } from './sys-topics.ts'

/** Publishes the numbers of the broker below `$SYS/broker/`, as mosquitto does, and client events as EMQX does. */
export const sysTopics = defineComponent({
  provides: Kind,
  needs: {
    broker: Broker,
    logger: Logger,
    // Not used: the numbers of the listeners are there when the topics are published first.
    listeners: all(Listener),
  },
  config: sysTopicsConfig,
  describe: ({ intervalSeconds }) => `every ${intervalSeconds} s`,
  start: (config, needs, context) => begin(config, needs, context),
  measure: (instance) => [
    counter('published', 'messages', 'Messages on topics below $SYS/broker.', () => instance.published),
    gauge('waiting_events', 'events', 'Client events that wait to be published.', () => instance.events?.waiting ?? 0),
    counter('published_events', 'events', 'Client events that were published.', () => instance.events?.published ?? 0),
    counter(
      'dropped_events',
      'events',
      'Client events over maximumWaitingEvents.',
      () => instance.events?.dropped ?? 0,
    ),
  ],
  exclusive: () => ['topics:$SYS/broker'],
  adjust: (instance, config, { broker, logger }, { name }) =>
    instance.adjust(config, { broker, logger: logger.child({ component: name }) }),
  stop: (instance) => instance.stop(),
  suspend: (instance) => instance.suspend(),
  resume: (config, needs, suspended, context) => begin(config, needs, context, readHandover(suspended)),
})

const begin = (
  config: SysTopicsConfig,
  { broker, logger }: { readonly broker: Broker; readonly logger: Logger },
  { name, system }: LifecycleContext,
  before?: SysTopicsHandover,
): SysTopics => {
  const parts = { broker, logger: logger.child({ component: name }), system, version: packageVersion() }
  const instance = new SysTopics(config, parts, before)
  instance.begin()
  return instance
}
