import { isIPv6 } from 'node:net'
import type { Peer } from '../kinds/peer.ts'

/**
 * The name under which an address is counted: hosts on the Internet get a network of 64 bits of IPv6 and can use any address in it, so
 * it counts as one. An IPv4 address that is written as an IPv6 address counts as the IPv4 address. A link-local address counts by itself,
 * since all hosts of a local network share one network of 64 bits.
 * @param address as the operating system or a proxy tells it.
 * @returns empty if there is no address, as on a Unix socket.
 */
export const addressKey = (address: string): string => {
  if (!address.includes(':')) return address
  const [plain] = address.split('%')
  const groups = groupsOf(plain!)
  if (groups === undefined) return address
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) return asIPv4(groups[6]!, groups[7]!)
  // Link-local addresses are fe80::/10. The network of ::1 is only that address.
  if ((groups[0]! & 0xffc0) === 0xfe80 || groups.slice(0, 4).every((group) => group === 0)) return address
  const network = groups.slice(0, 4).map((group) => group.toString(16))
  return `${network.join(':')}::/64`
}

/** The name of the source of a client in a `FairQueue`: clients of one address have the same one, and those of a Unix socket. */
export const sourceOf = ({ address, transport }: Peer): string => (address === '' ? transport : addressKey(address))

/** The eight groups of an IPv6 address; undefined for other text. */
const groupsOf = (address: string): number[] | undefined => {
  if (!isIPv6(address)) return undefined
  const [head, tail] = withoutDots(address).split('::')
  const before = numbersOf(head!)
  if (tail === undefined) return before
  const after = numbersOf(tail)
  return [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after]
}

/** The last two groups may be written as an IPv4 address: `::ffff:192.0.2.7`. */
const withoutDots = (address: string): string =>
  address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, a: string, b: string, c: string, d: string) => {
    const group = (high: string, low: string): string => (Number(high) * 256 + Number(low)).toString(16)
    return `${group(a, b)}:${group(c, d)}`
  })

const numbersOf = (groups: string): number[] =>
  groups === '' ? [] : groups.split(':').map((group) => Number.parseInt(group, 16))

const asIPv4 = (high: number, low: number): string => `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`
