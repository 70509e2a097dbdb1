import type { Identity } from '../../src/kinds/authorizer.ts'

/** `%c` and `%u`, kept by `split`. */
const placeholder = /(%[cu])/

/** How many placeholders stand in a filter or in a level of it. */
export const placeholdersIn = (text: string): number => (text.split(placeholder).length - 1) / 2

/** Whether the client has no user name. */
export const isAnonymous = ({ userName }: Identity): boolean => isNone(userName)

/** An empty name is none. */
const isNone = (name: string | undefined): name is undefined | '' => name === undefined || name === ''

/** What the filter of a rule is for one client. */
export type Filled =
  | { readonly result: 'filter'; readonly filter: string }
  /** The client has no such name: the rule is not about it. */
  | { readonly result: 'nameless' }
  /**
   * The name would change what the filter means. @property reach the filter of all that the rule could have meant, or
   * undefined when that is every topic.
   */
  | { readonly result: 'unfit'; readonly reach: string | undefined }

/** Puts the names of a client in the place of `%c` and `%u`, once: placeholders within the names are text. */
export const fillPlaceholders = (template: string, { clientId, userName }: Identity): Filled => {
  const parts = template.split(placeholder)
  let filter = ''
  for (const part of parts) {
    if (part !== '%c' && part !== '%u') {
      filter += part
      continue
    }
    const name = part === '%c' ? clientId : userName
    // `dev%u` must not become `dev`.
    if (isNone(name)) return { result: 'nameless' }
    if (!fits(name, filter === '')) return { result: 'unfit', reach: reachOf(filter) }
    filter += name
  }
  return { result: 'filter', filter }
}

/** Whether a name means itself in a filter. A first level that begins with `$` belongs to the server. */
const fits = (name: string, first: boolean): boolean => !/[+#/]/.test(name) && !(first && name.startsWith('$'))

/** @param before what stands before the placeholder that cannot be filled. */
const reachOf = (before: string): string | undefined => {
  const end = before.lastIndexOf('/')
  return end === -1 ? undefined : `${before.slice(0, end)}/#`
}
