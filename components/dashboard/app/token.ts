/** The token of the admin API: kept as long as the tab is open, and never in the URL. */

const KEY = 'mqtt-jig-token'

/** The part of `Storage` that is used. */
export type TokenStorage = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>

/** Undefined if there is none, or if the browser does not allow storage. */
export const readToken = (storage: TokenStorage): string | undefined => {
  try {
    return storage.getItem(KEY) ?? undefined
  } catch {
    return undefined
  }
}

/** Undefined forgets it. A browser that does not allow storage asks for the token again after a reload. */
export const keepToken = (storage: TokenStorage, token: string | undefined): void => {
  try {
    if (token === undefined) storage.removeItem(KEY)
    else storage.setItem(KEY, token)
  } catch {
    // Kept in memory alone.
  }
}
