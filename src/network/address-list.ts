import { BlockList, isIP, isIPv6 } from 'node:net'
import { z } from 'zod'

/** The schema of an address or a range of addresses in a config: `192.0.2.7`, `10.0.0.0/8`, `fd00::/8`. */
export const addressRange = z.string().refine((text) => partsOf(text) !== undefined, {
  message: 'must be an address or a range of addresses: 192.0.2.7, 10.0.0.0/8, fd00::/8',
})

/** Addresses and ranges of a config. */
export class AddressList {
  readonly #list = new BlockList()

  /** @param ranges as `addressRange` has checked them. */
  constructor(ranges: readonly string[]) {
    for (const range of ranges) {
      const parts = partsOf(range)
      if (parts === undefined) throw new TypeError(`not a range of addresses: ${range}`)
      this.#list.addSubnet(parts.address, parts.bits, familyOf(parts.address))
    }
  }

  /** Whether an address is in the list. An IPv4 address that is written as an IPv6 address counts as the IPv4 address. */
  has(address: string): boolean {
    return isIP(address) !== 0 && this.#list.check(address, familyOf(address))
  }
}

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIPv6(address) ? 'ipv6' : 'ipv4')

const partsOf = (text: string): { readonly address: string; readonly bits: number } | undefined => {
  const [, address, bits] = /^([^/%]+)(?:\/(\d{1,3}))?$/.exec(text) ?? []
  if (address === undefined || isIP(address) === 0) return undefined
  const most = isIPv6(address) ? 128 : 32
  const count = bits === undefined ? most : Number(bits)
  return count <= most ? { address, bits: count } : undefined
}
