import type { IdentityAttributes } from '../kinds/identity.ts'
import type { TopicRule } from '../kinds/topic-rule.ts'
import { parseAcl } from './parse-acl.ts'

/** What a token, or a service that was asked, says about the rights of a client. Nothing of it is checked yet. */
export interface AccessClaims {
  readonly isSuperuser?: unknown
  /** A text, or a list of them. */
  readonly groups?: unknown
  /** Texts, numbers and truth values by name: `client_attrs` of EMQX. */
  readonly clientAttributes?: unknown
  /** EMQX's `acl`. */
  readonly acl?: unknown
}

/** Groups and values of one client. */
const MAXIMUM_ENTRIES = 100
/** The longest group, name of a value, and value, in UTF-16 code units. */
const MAXIMUM_LENGTH = 1_024

/**
 * Reads the rights of a client. A part that is left out, or null, says nothing.
 * @returns what is wrong, as text, if a part cannot be understood. The client must not be let in then: a rule that is left out could be
 * one that denies.
 */
export const readAccessClaims = (claims: AccessClaims): IdentityAttributes | string => {
  const isSuperuser = claims.isSuperuser ?? false
  if (typeof isSuperuser !== 'boolean') return 'the claim of a superuser is neither true nor false'
  const groups = readGroups(claims.groups ?? [])
  if (typeof groups === 'string') return groups
  const values = readValues(claims.clientAttributes ?? {})
  if (typeof values === 'string') return values
  const rules = claims.acl === undefined || claims.acl === null ? undefined : parseAcl(claims.acl)
  if (typeof rules === 'string') return `acl: ${rules}`
  return attributesOf(isSuperuser, groups, values, rules)
}

const attributesOf = (
  isSuperuser: boolean,
  groups: readonly string[],
  values: Readonly<Record<string, string>>,
  rules: readonly TopicRule[] | undefined,
): IdentityAttributes => ({
  ...(isSuperuser && { isSuperuser }),
  ...(groups.length > 0 && { groups: [...groups] }),
  ...(Object.keys(values).length > 0 && { values }),
  // An empty list stays: with it the client has rules, none of which allows anything.
  ...(rules !== undefined && { rules: [...rules] }),
})

const readGroups = (value: unknown): readonly string[] | string => {
  const groups = typeof value === 'string' ? [value] : value
  if (!Array.isArray(groups)) return 'the groups are not a list of texts'
  if (groups.length > MAXIMUM_ENTRIES) return `there are more than ${MAXIMUM_ENTRIES} groups`
  const isRight = (group: unknown) => isShortText(group) && group !== ''
  return groups.every(isRight) ? groups : 'a group is not a text, empty or too long'
}

const readValues = (value: unknown): Readonly<Record<string, string>> | string => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'the attributes are not an object'
  const entries = Object.entries(value)
  if (entries.length > MAXIMUM_ENTRIES) return `there are more than ${MAXIMUM_ENTRIES} attributes`
  const texts: [string, string][] = []
  for (const [name, content] of entries) {
    const text = typeof content === 'number' || typeof content === 'boolean' ? String(content) : content
    if (!isShortText(text)) return 'an attribute is not a text, or too long'
    // A rule could not name another one.
    if (!isShortText(name) || !/^[^{}]+$/.test(name) || name === '__proto__')
      return 'the name of an attribute is not one'
    texts.push([name, text])
  }
  return Object.fromEntries(texts)
}

const isShortText = (value: unknown): value is string => typeof value === 'string' && value.length <= MAXIMUM_LENGTH
