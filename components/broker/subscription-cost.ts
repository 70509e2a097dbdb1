import { sharedFilter } from '../../src/mqtt/subscription.ts'

// Measured with the router and the store that are here, in bytes.
const OVERHEAD_BYTES = 350
/** A Shared Subscription may be the first of its group. */
const SHARED_BYTES = 600
/** A level that is a wildcard is a node of its own in the router. */
const WILDCARD_BYTES = 60

/** What a subscription to this filter costs to keep, in bytes, about: here, in the router and in the store. */
export const subscriptionCost = (filter: string): number => {
  let cost = OVERHEAD_BYTES + filter.length * 2
  if (sharedFilter(filter) !== undefined) cost += SHARED_BYTES
  for (let plus = filter.indexOf('+'); plus !== -1; plus = filter.indexOf('+', plus + 1)) cost += WILDCARD_BYTES
  return cost
}

// Units of work, measured: 4 µs to subscribe and 3 µs to unsubscribe; a Shared Subscription costs more, and so does depth.
const SUBSCRIBE_UNITS = 20
const SHARED_SUBSCRIBE_UNITS = 50
const UNSUBSCRIBE_UNITS = 15
const SHARED_UNSUBSCRIBE_UNITS = 25

/** Units of work that it costs to subscribe to this filter, here, in the router and in the store. */
export const subscribeUnits = (filter: string): number =>
  (sharedFilter(filter) === undefined ? SUBSCRIBE_UNITS : SHARED_SUBSCRIBE_UNITS) + (filter.length >> 3)

/** The same for the end of the subscription. */
export const unsubscribeUnits = (filter: string): number =>
  (sharedFilter(filter) === undefined ? UNSUBSCRIBE_UNITS : SHARED_UNSUBSCRIBE_UNITS) + (filter.length >> 3)

/** Levels of a Topic Filter with a wildcard, which are nodes in the router; 0 for a filter without, which is one look-up. */
export const wildcardLevels = (filter: string): number => {
  const own = sharedFilter(filter)?.filter ?? filter
  return own.includes('+') || own.includes('#') ? countLevels(own) : 0
}

/** Levels of a Topic Filter: one more than it has separators. */
export const countLevels = (filter: string): number => {
  let levels = 1
  for (let slash = filter.indexOf('/'); slash !== -1; slash = filter.indexOf('/', slash + 1)) levels += 1
  return levels
}
