/** The matching rules of section 4.7 in ten lines, to compare with. */
export const naiveMatch = (filter: string, topic: string): boolean =>
  // `a/#` matches `a`, which the loop below cannot see since `a` has no second level.
  matches(filter, topic) || (filter.endsWith('/#') && matches(filter.slice(0, -2), topic))

const matches = (filter: string, topic: string): boolean => {
  const want = filter.split('/')
  const have = topic.split('/')
  if (topic.startsWith('$') && (want[0] === '+' || want[0] === '#')) return false
  for (let i = 0; i < want.length; i++) {
    if (want[i] === '#') return true
    if (i === have.length || (want[i] !== '+' && want[i] !== have[i])) return false
  }
  return want.length === have.length
}
