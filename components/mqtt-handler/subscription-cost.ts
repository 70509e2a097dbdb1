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

/** Levels of a Topic Filter with a wildcard, which are nodes in the router; 0 for a filter without, which is one look-up. */
export const wildcardLevels = (filter: string): number => {
  const own = sharedFilter(filter)?.filter ?? filter
  return own.includes('+') || own.includes('#') ? countLevels(own) : 0
}

export const countLevels = (filter: string): number => {
  let levels = 1
  for (let slash = filter.indexOf('/'); slash !== -1; slash = filter.indexOf('/', slash + 1)) levels += 1
  return levels
}
