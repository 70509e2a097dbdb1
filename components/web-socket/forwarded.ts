import { isIP } from 'node:net'
import type { AddressList } from '../../src/network/address-list.ts'

/**
 * The address of the client in the header X-Forwarded-For: the last one that is not a trusted proxy. Addresses before it were written by
 * the client, who may write anything.
 * @param header the whole header: proxies append to it, or add another one, which `parseRequest` joins by commas.
 * @param trusted the proxies that are believed.
 * @returns undefined if that place has no address.
 */
export const forwardedAddress = (header: string, trusted: AddressList): string | undefined => {
  const entries = header.split(',')
  for (let index = entries.length - 1; index >= 0; index -= 1) {
    const address = addressOf(entries[index]!.trim())
    if (address === undefined || !trusted.has(address) || index === 0) return address
  }
  return undefined
}

/** Some proxies add the port: `192.0.2.7:5123`, `[2001:db8::7]:5123`. */
const addressOf = (entry: string): string | undefined => {
  const [, inBrackets] = /^\[([\da-fA-F:.]+)\](?::\d{1,5})?$/.exec(entry) ?? []
  const [, withPort] = /^([\d.]+):\d{1,5}$/.exec(entry) ?? []
  const address = inBrackets ?? withPort ?? entry
  return isIP(address) === 0 ? undefined : address
}
