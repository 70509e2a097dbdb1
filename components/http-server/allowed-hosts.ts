import { isIP } from 'node:net'

/**
 * The names under which this server may be addressed. A page of another origin can make a browser send requests here if a name of its own
 * leads to this address (DNS rebinding). Such a request names that name in `Host`, so unknown names are refused. An IP address is no name,
 * and cannot be made to lead elsewhere.
 */
export class AllowedHosts {
  readonly #names: ReadonlySet<string>

  /** @param names of the config. */
  constructor(names: readonly string[]) {
    this.#names = new Set(names.map((name) => name.toLowerCase()))
  }

  /** @param host the value of the header, with or without a port. */
  has(host: string): boolean {
    const [, bracketed, plain] = HOST.exec(host) ?? []
    if (bracketed !== undefined) return isIP(bracketed) === 6
    if (plain === undefined) return false
    const name = plain.toLowerCase()
    return isIP(name) === 4 || name === 'localhost' || name.endsWith('.localhost') || this.#names.has(name)
  }
}

const HOST = /^(?:\[([\da-fA-F:.]+)\]|([\w.-]+))(?::\d{1,5})?$/
