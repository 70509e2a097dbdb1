import { Authorizer } from '../../src/kinds/authorizer.ts'
import { Broker } from '../../src/kinds/broker.ts'
import { Durability } from '../../src/kinds/durability.ts'
import { Logger } from '../../src/kinds/logger.ts'
import { Router } from '../../src/kinds/router.ts'
import { SessionOwnership } from '../../src/kinds/session-ownership.ts'
import { Store } from '../../src/kinds/store.ts'
import { defineComponent } from '../../src/system/define-system.ts'
import { all, exclusive, many } from '../../src/system/kind.ts'
import { adjustBroker } from './adjust-broker.ts'
import { censusOf } from './census.ts'
import { brokerConfig } from './config.ts'
import { LocalBroker } from './local-broker.ts'
import { measuresOf } from './measures.ts'
import { untilDone, untilMovable } from './until-movable.ts'

/** Keeps sessions and retained messages, publishes messages, and knows which clients are connected. */
export const broker = defineComponent({
  provides: Broker,
  needs: {
    // Its sessions subscribe there: after a restart they would be met by those of its successor.
    router: exclusive(Router),
    // Two brokers over one store would know nothing of each other's sessions and retained messages.
    store: exclusive(Store),
    // Asked in this order: the first that allows or denies decides.
    authorizers: many(Authorizer),
    logger: Logger,
    // Not wired: a durability or an ownership that was forgotten in `dependencies` would break what acknowledgements promise.
    durabilities: all(Durability),
    // At most one, since the kind is unique.
    ownerships: all(SessionOwnership),
  },
  config: brokerConfig,
  start: async (config, { logger, ownerships, ...parts }, { name }) => {
    const [ownership] = ownerships
    const instance = new LocalBroker(config, { ...parts, ownership, logger: logger.child({ component: name }) })
    try {
      await instance.restore()
    } catch (error) {
      instance.stop()
      throw error
    }
    return instance
  },
  adjust: async ({ core }, config, { logger, ownerships, ...parts }, { name, signal }) => {
    const [ownership] = ownerships
    // A walk over the routes of one router does not see what changes in another one.
    if (parts.router !== core.router) await untilDone(() => core.publications.count === 0, signal)
    return adjustBroker(core, config, { ...parts, ownership, logger: logger.child({ component: name }) })
  },
  handover: {
    format: 'mqtt-jig broker',
    version: 1,
    prepare: async (config, { logger, ownerships, ...parts }, context) => {
      const { name } = context
      if (parts.router.replaceSubscribers === undefined) {
        throw new Error('its router cannot give the subscriptions of sessions to their successors')
      }
      await untilMovable(context)
      const [ownership] = ownerships
      return new LocalBroker(config, { ...parts, ownership, logger: logger.child({ component: name }) }, true)
    },
    give: (instance) => instance.handOver(),
    take: (instance, state) => instance.takeOver(state as ReturnType<LocalBroker['handOver']>),
    retire: ({ core }) => core.end(),
    census: ({ core }) => censusOf(core),
  },
  measure: ({ core }) => measuresOf(core),
  unready: ({ core }) => (core.journal.pressure === 'stuck' ? 'the store cannot write' : undefined),
  stop: async (instance) => {
    instance.stop()
    // The store stops next, and must not be read then.
    await instance.core.restored
  },
})
