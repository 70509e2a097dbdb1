/** Reads EMQX's `acl` of a token or an answer of a service into rules. */

import type { TopicRule } from '../kinds/topic-rule.ts'
import { checkTopicFilter, isSharedFilter } from '../mqtt/topic-filter.ts'

/** Rules of one client. */
const MAXIMUM_RULES = 1_000

/**
 * Reads a list of `{ permission, action, topic, qos, retain }`, or the older `{ pub: [], sub: [], all: [] }`, in which nothing else is
 * allowed. `${clientid}`, `${username}` and `${client_attrs.NAME}` become `%c`, `%u` and `%{NAME}`, which are also accepted.
 * @returns what is wrong, as text. A rule with a part that is not known is wrong: it could be a condition.
 */
export const parseEmqxAcl = (acl: unknown): readonly TopicRule[] | string => {
  const rules = Array.isArray(acl) ? parseList(acl) : isObject(acl) ? parseLists(acl) : 'it is not a list of rules'
  if (typeof rules !== 'string' && rules.length > MAXIMUM_RULES) return `it has more than ${MAXIMUM_RULES} rules`
  return rules
}

const parseList = (list: readonly unknown[]): readonly TopicRule[] | string => {
  const rules: TopicRule[] = []
  for (const [index, each] of list.entries()) {
    const rule = isObject(each) ? parseRule(each) : 'it is not an object'
    if (typeof rule === 'string') return `rule ${index + 1}: ${rule}`
    if (rule !== undefined) rules.push(rule)
  }
  return rules
}

const actions = { publish: 'publish', subscribe: 'subscribe', all: 'all' } as const
const olderLists = { pub: 'publish', sub: 'subscribe', all: 'all' } as const

const parseLists = (lists: Readonly<Record<string, unknown>>): readonly TopicRule[] | string => {
  const rules: TopicRule[] = []
  for (const [name, topics] of Object.entries(lists)) {
    const action = valueAt(olderLists, name)
    if (action === undefined || !Array.isArray(topics))
      return 'it is neither a list of rules nor lists of pub, sub and all'
    for (const topic of topics) {
      const found = parseTopic(topic)
      if ('problem' in found) return found.problem
      const rule = ruleOf(found, { action, allow: true })
      if (typeof rule === 'string') return rule
      if (rule !== undefined) rules.push(rule)
    }
  }
  return [...rules, ...DENY_ALL_ELSE]
}

/** A filter that begins with a wildcard does not match the topics of the server. */
const DENY_ALL_ELSE: readonly TopicRule[] = [
  { action: 'all', filter: '#', allow: false },
  { action: 'all', filter: '$SYS/#', allow: false },
]

/** @returns undefined when the rule can never match. */
const parseRule = (rule: Readonly<Record<string, unknown>>): TopicRule | string | undefined => {
  const { permission, action = 'all', topic, qos, retain, ...rest } = rule
  const unknown = Object.keys(rest)[0]
  if (unknown !== undefined) return `it has a condition that is not known, ${JSON.stringify(unknown.slice(0, 50))}`
  if (permission !== 'allow' && permission !== 'deny') return 'its permission is neither allow nor deny'
  const ownAction = typeof action === 'string' ? valueAt(actions, action) : undefined
  if (ownAction === undefined) return 'its action is not publish, subscribe or all'
  const found = parseTopic(topic)
  if ('problem' in found) return found.problem
  const levels = parseQoS(qos)
  if (typeof levels === 'string') return levels
  const flag = parseRetain(retain)
  if (typeof flag === 'string') return flag
  return ruleOf(found, {
    action: ownAction,
    allow: permission === 'allow',
    ...(levels !== undefined && { qos: levels }),
    ...(flag !== undefined && { retain: flag }),
  })
}

interface Topic {
  readonly filter: string
  /** It matches the same text alone, also if it has wildcards. */
  readonly isExact: boolean
}

const ruleOf = ({ filter, isExact }: Topic, rule: Omit<TopicRule, 'filter'>): TopicRule | string | undefined => {
  if (!isExact || !/[+#]/.test(filter)) return { ...rule, filter }
  if (!rule.allow)
    return 'a rule that denies one subscription with wildcards (eq) is not supported: deny what it covers'
  // A Topic Name has no wildcards. A client that may subscribe to the filter may receive all that it matches, also by a narrower one.
  return rule.action === 'publish' ? undefined : { ...rule, action: 'subscribe', filter }
}

const parseTopic = (topic: unknown): Topic | { readonly problem: string } => {
  if (typeof topic !== 'string') return { problem: 'its topic is not a text' }
  const isExact = topic.startsWith('eq ')
  const filter = (isExact ? topic.slice('eq '.length) : topic)
    .replaceAll(/\$\{clientid\}/g, '%c')
    .replaceAll(/\$\{username\}/g, '%u')
    .replaceAll(/\$\{client_attrs\.([^{}]+)\}/g, '%{$1}')
  if (filter.includes('${')) return { problem: 'its topic has a placeholder that is not known' }
  const bytes = Buffer.from(filter)
  // An unpaired surrogate becomes another character.
  if (bytes.toString() !== filter) return { problem: 'its topic is not well-formed' }
  if (bytes.length > 65_535) return { problem: 'its topic is too long' }
  // A rule is about topics, without $share/{ShareName}/.
  if (bytes.includes(0) || isSharedFilter(bytes) || checkTopicFilter(bytes) !== undefined) {
    return { problem: 'its topic is not a Topic Filter' }
  }
  return { filter, isExact }
}

/** @returns undefined for all. */
const parseQoS = (value: unknown): TopicRule['qos'] | string => {
  if (value === undefined || value === null) return undefined
  const list = Array.isArray(value) ? value : typeof value === 'string' ? value.split(',') : [value]
  const levels: (0 | 1 | 2)[] = []
  for (const each of list) {
    const level = typeof each === 'string' ? valueAt(qosOfText, each.trim()) : each
    if (level !== 0 && level !== 1 && level !== 2) return 'its qos is not 0, 1 or 2'
    if (!levels.includes(level)) levels.push(level)
  }
  return levels.length === 0 ? 'its qos is not 0, 1 or 2' : levels
}

const qosOfText = { 0: 0, 1: 1, 2: 2 } as const

/** @returns undefined for both. */
const parseRetain = (value: unknown): boolean | string | undefined => {
  if (value === undefined || value === null || value === 'all') return undefined
  if (value === true || value === 1 || value === 'true' || value === '1') return true
  if (value === false || value === 0 || value === 'false' || value === '0') return false
  return 'its retain is not true, false or all'
}

const valueAt = <T>(table: Readonly<Record<string, T>>, key: string): T | undefined =>
  Object.hasOwn(table, key) ? table[key] : undefined

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
