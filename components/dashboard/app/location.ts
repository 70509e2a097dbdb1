/** Where the dashboard is: a page, what it shows, and its settings, all in the fragment of the URL. */

export interface Place {
  /** `clients` */
  readonly page: string
  /** What the page shows: the Client Identifier. Undefined for the list. */
  readonly item: string | undefined
  readonly settings: Readonly<Record<string, string>>
}

/** Reads `#/clients/kitchen?q=a`. What it cannot decode is taken as it is. */
export const readPlace = (hash: string): Place => {
  const [path = '', query = ''] = splitOnce(hash.replace(/^#\/?/, ''), '?')
  const [page = '', item] = splitOnce(path, '/')
  return {
    page: page === '' ? 'overview' : page,
    item: item === undefined || item === '' ? undefined : decode(item),
    settings: Object.fromEntries(new URLSearchParams(query)),
  }
}

/** Writes a place as `readPlace` reads it. Settings that are undefined or empty are left out. */
export const writePlace = (
  page: string,
  item?: string,
  settings: Readonly<Record<string, string | undefined>> = {},
): string => {
  const used = Object.entries(settings).filter((entry): entry is [string, string] => (entry[1] ?? '') !== '')
  const query = new URLSearchParams(used).toString()
  const path = item === undefined ? page : `${page}/${encodeURIComponent(item)}`
  return `#/${path}${query === '' ? '' : `?${query}`}`
}

const splitOnce = (text: string, separator: string): [string, string?] => {
  const at = text.indexOf(separator)
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)]
}

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
