/**
 * Topic Filters as sets of Topic Names: containment and overlap of two filters. Both functions read legal filters level by
 * level, allocate nothing, and take time linear in the length of the shorter filter.
 *
 * A Topic Name is the filter that matches it alone, so `covers(filter, topic)` says whether the filter matches the topic. A
 * filter that begins with a wildcard matches no topic that begins with `$` [MQTT-4.7.2-1]. The empty name counts as a topic,
 * although no packet can have it: `/#` and `+` overlap in it.
 */

const DOLLAR = 0x24
const HASH = 0x23
const PLUS = 0x2b
const SEPARATOR = 0x2f

/** Whether `filter` matches every topic that `other` matches. Neither may have the prefix `$share/{ShareName}/`. */
export const covers = (filter: string, other: string): boolean => {
  // The only two filters that differ and match the same topics: every topic has a level.
  if (other === '#') return filter === '#' || filter === '+/#'
  if (startsWithWildcard(filter) && other.charCodeAt(0) === DOLLAR) return false
  let position = 0
  let otherPosition = 0
  // Both positions stand at the beginning of a level. Beyond the end charCodeAt is NaN, which is no character.
  for (;;) {
    const character = filter.charCodeAt(position)
    if (character === HASH) return true
    if (other.charCodeAt(otherPosition) === HASH) return false
    const length = lengthOfLevel(filter, position)
    const otherLength = lengthOfLevel(other, otherPosition)
    if (character !== PLUS && !sameLevel(filter, position, length, other, otherPosition, otherLength)) return false
    position += length
    otherPosition += otherLength
    if (otherPosition === other.length) return position === filter.length || endsInHash(filter, position)
    if (position === filter.length) return false
    position += 1
    otherPosition += 1
  }
}

/** Whether some topic is matched by both filters. Neither may have the prefix `$share/{ShareName}/`. */
export const overlaps = (filter: string, other: string): boolean => {
  if (startsWithWildcard(filter) && other.charCodeAt(0) === DOLLAR) return false
  if (startsWithWildcard(other) && filter.charCodeAt(0) === DOLLAR) return false
  let position = 0
  let otherPosition = 0
  for (;;) {
    const character = filter.charCodeAt(position)
    const otherCharacter = other.charCodeAt(otherPosition)
    if (character === HASH || otherCharacter === HASH) return true
    const length = lengthOfLevel(filter, position)
    const otherLength = lengthOfLevel(other, otherPosition)
    const wildcard = character === PLUS || otherCharacter === PLUS
    if (!wildcard && !sameLevel(filter, position, length, other, otherPosition, otherLength)) return false
    position += length
    otherPosition += otherLength
    if (otherPosition === other.length) return position === filter.length || endsInHash(filter, position)
    if (position === filter.length) return endsInHash(other, otherPosition)
    position += 1
    otherPosition += 1
  }
}

const startsWithWildcard = (filter: string): boolean => {
  const character = filter.charCodeAt(0)
  return character === PLUS || character === HASH
}

/** The characters from the beginning of a level to its separator, or to the end. */
const lengthOfLevel = (filter: string, start: number): number => {
  let end = start
  while (end < filter.length && filter.charCodeAt(end) !== SEPARATOR) end += 1
  return end - start
}

const sameLevel = (
  filter: string,
  start: number,
  length: number,
  other: string,
  otherStart: number,
  otherLength: number,
): boolean => {
  if (length !== otherLength) return false
  for (let index = 0; index < length; index += 1) {
    if (filter.charCodeAt(start + index) !== other.charCodeAt(otherStart + index)) return false
  }
  return true
}

/** Whether all that is left, from the end of a level, is `/#`, which the level itself matches too. */
const endsInHash = (filter: string, position: number): boolean =>
  position + 2 === filter.length && filter.charCodeAt(position + 1) === HASH
