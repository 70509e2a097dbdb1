import fc from 'fast-check'

/**
 * Few levels, so that filters and topics meet: empty levels, names of properties of objects, `$`, similar text, and text that
 * is long enough for V8 to slice it.
 */
const level = fc.constantFrom(
  '',
  'a',
  'b',
  '$a',
  '$',
  '__proto__',
  'constructor',
  'é',
  'e\u0301',
  '🦀',
  ' ',
  'a-level-of-some-length',
)

/** Legal Topic Names. */
export const topicName = fc
  .array(level, { minLength: 1, maxLength: 5 })
  .map((levels) => levels.join('/'))
  .filter((topic) => topic !== '')

/** Legal Topic Filters, not shared. */
export const topicFilter = fc
  .tuple(fc.array(fc.oneof(level, fc.constant('+')), { minLength: 0, maxLength: 4 }), fc.boolean())
  .map(([levels, rest]) => (rest ? [...levels, '#'] : levels).join('/'))
  .filter((filter) => filter !== '')
