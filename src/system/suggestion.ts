/** Suggestions in error messages: the nearest known word, and the valid words. */

/** The maximum number of names in one message. */
const longestList = 8
/** Words over this length are not compared: the comparison is quadratic. */
const longestWord = 64

/** The candidate that `word` was probably meant to be, or undefined when none is near. Letter case is ignored. */
export const nearest = (word: string, candidates: readonly string[]): string | undefined => {
  if (word.length > longestWord) return undefined
  const limit = Math.max(1, Math.floor(word.length / 3))
  let best: string | undefined
  let bestDistance = Math.min(limit + 1, word.length)
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - word.length) > limit) continue
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase())
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/** `; did you mean 'port'?`, or nothing. */
export const didYouMean = (word: string, candidates: readonly string[]): string => {
  const suggestion = nearest(word, candidates)
  return suggestion === undefined ? '' : `; did you mean '${suggestion}'?`
}

/** `'a', 'b' or 'c'`, cut after a few. */
export const listed = (names: readonly string[], conjunction = 'or'): string => {
  const shown = names.slice(0, longestList).map((name) => `'${name}'`)
  if (names.length > longestList) return `${shown.join(', ')} and ${names.length - longestList} more`
  return shown.length < 2 ? shown.join('') : `${shown.slice(0, -1).join(', ')} ${conjunction} ${shown.at(-1)}`
}

/** Describes the type of a value, without its content, which may be secret. */
export const found = (value: unknown): string => {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'an object'
  return `a ${typeof value}`
}

/** Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`. */
const editDistance = (a: string, b: string): number => {
  let beforePrevious: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const replaced = previous[column - 1]! + (a[row - 1] === b[column - 1] ? 0 : 1)
      const swapped =
        a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1] ? beforePrevious[column - 2]! + 1 : replaced
      current.push(Math.min(replaced, swapped, previous[column]! + 1, current[column - 1]! + 1))
    }
    beforePrevious = previous
    previous = current
  }
  return previous[b.length]!
}
