/** The pages of the dashboard, in the order of the navigation. */

export interface PageName {
  /** In the URL. */
  readonly name: string
  readonly title: string
  /** Leads to it after `g`. */
  readonly key: string
}

export const PAGES: readonly PageName[] = [
  { name: 'overview', title: 'Overview', key: 'o' },
  { name: 'clients', title: 'Clients', key: 'c' },
  { name: 'sessions', title: 'Away sessions', key: 's' },
  { name: 'topics', title: 'Topics', key: 't' },
  { name: 'retained', title: 'Retained', key: 'r' },
  { name: 'publish', title: 'Publish', key: 'p' },
  { name: 'users', title: 'Users', key: 'u' },
  { name: 'listeners', title: 'Listeners', key: 'i' },
  { name: 'log', title: 'Log', key: 'l' },
]
