/** Where two configs differ, for the reasons of a plan. */

import { isDeepStrictEqual } from 'node:util'
import { formatPath } from './config-problem.ts'
import { isPlainObject } from './plain-object.ts'

/** Further differences are not listed. */
const most = 20

interface Difference {
  readonly text: string
  /** False if the values are functions or class instances, which are compared by identity. */
  readonly comparable: boolean
}

/**
 * The paths at which two parsed configs differ. Values are shown for numbers and booleans alone: a text may be a secret. Functions
 * and class instances are equal only if they are the same, unless both configs were written the same: then the schema made them anew.
 * @param path of both, as a prefix: `['config']`.
 * @param writtenAlike whether the values were equal before the schema parsed them.
 */
export const configDifferences = (
  before: unknown,
  after: unknown,
  path: readonly string[] = [],
  writtenAlike = false,
): readonly string[] => {
  const found: Difference[] = []
  compare(before, after, path, found)
  return found.filter(({ comparable }) => comparable || !writtenAlike).map(({ text }) => text)
}

/** Whether two values of a config as written are equal. */
export const isWrittenAlike = (before: unknown, after: unknown): boolean =>
  configDifferences(before, after).length === 0

const compare = (before: unknown, after: unknown, path: readonly (string | number)[], found: Difference[]): void => {
  if (Object.is(before, after) || found.length >= most) return
  if (isPlainObject(before) && isPlainObject(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
      compare(before[key], after[key], [...path, key], found)
    }
  } else if (Array.isArray(before) && Array.isArray(after)) {
    if (before.length !== after.length) {
      found.push({ text: `${formatPath(path)}: ${before.length} → ${after.length} entries`, comparable: true })
      return
    }
    for (const [index, value] of before.entries()) compare(value, after[index], [...path, index], found)
  } else if (isOpaque(before) || isOpaque(after)) {
    found.push({ text: `${formatPath(path)} cannot be compared`, comparable: false })
  } else if (!isDeepStrictEqual(before, after)) {
    const shown = [before, after].every(isShown) ? `: ${show(before)} → ${show(after)}` : ''
    found.push({ text: `${formatPath(path)}${shown}`, comparable: true })
  }
}

/** Values that `isDeepStrictEqual` sees as a whole. It would not see the private fields of other classes. */
const transparent = [Array, Date, RegExp, Map, Set, Uint8Array, URL]

const isOpaque = (value: unknown): boolean =>
  typeof value === 'function' ||
  (typeof value === 'object' && value !== null && !isPlainObject(value) && !isTransparent(value))

const isTransparent = (value: object): boolean => transparent.some((type) => value instanceof type)

const isShown = (value: unknown): boolean =>
  value === undefined || value === null || ['number', 'boolean', 'bigint'].includes(typeof value)

const show = (value: unknown): string => (value === undefined ? 'unset' : String(value))
