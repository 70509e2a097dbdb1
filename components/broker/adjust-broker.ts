import { Change, replacing, setting } from '../../src/collections/change.ts'
import type { BrokerCore, BrokerParts } from './broker-core.ts'
import type { BrokerConfig } from './config.ts'

/**
 * Prepares another config, or other dependencies, for a broker that runs. All limits apply at once, to what comes from then on: what is
 * over a limit that was lowered stays. The limits of messages in flight apply to a client when it connects the next time, since the
 * client and the broker count by what the connection began with.
 * @throws an Error if another durability or ownership would not know what was promised before.
 */
export const adjustBroker = (core: BrokerCore, config: BrokerConfig, parts: BrokerParts): Change => {
  const { router, store, logger, authorizers = [] } = parts
  core.checkSameGuarantees(parts)
  const areOthers = !isSameList(authorizers, core.authorization.authorizers)
  return new Change(
    [
      replacing(core.config, config),
      () => core.log.replace(logger),
      () => core.quotas.adjust(config),
      () => core.retained.adjust(config),
      () => checkRoutes(core, router),
      setting(core, { router }),
      () => core.replaceStore(store),
      () => core.replaceAuthorizers(authorizers),
    ],
    {
      // Those with other rules say so themselves.
      done: () => {
        if (areOthers) core.revocation.begin()
      },
    },
  )
}

/** A walk over the routes of one router does not see what changes in another one. It ends by itself. */
const checkRoutes = (core: BrokerCore, router: BrokerParts['router']): (() => void) => {
  if (router !== core.router && core.publications.count > 0) {
    throw new Error('a message is still being delivered, over several turns')
  }
  return () => {}
}

const isSameList = (one: readonly unknown[], other: readonly unknown[]): boolean =>
  one.length === other.length && one.every((each, index) => each === other[index])
