/** Identifiers in one page: 16 words of 32 bits. */
const PAGE_BITS = 9
const WORDS = 16

/** What a page costs, in bytes; measured. */
export const PAGE_BYTES = 200

/**
 * A set of Packet Identifiers, one bit for each, in pages of 512. A page exists only while it contains an identifier. All
 * 65,535 cost 25 KB. A `Set` costs 1 to 2 MB. Adding and removing identifiers one after the other allocates nothing: the last
 * page that became empty is kept.
 */
export class PacketIdentifierSet {
  /** The words of each page, by page number. Undefined until the first identifier is added. */
  #pages: Map<number, number[]> | undefined
  #spare: number[] | undefined
  #size = 0

  /** The number of identifiers. */
  get size(): number {
    return this.#size
  }

  /** Their memory, in bytes. */
  get bytes(): number {
    return this.#pages === undefined ? 0 : this.#pages.size * PAGE_BYTES
  }

  has(identifier: number): boolean {
    const page = this.#pages?.get(identifier >> PAGE_BITS)
    return page !== undefined && (page[wordOf(identifier)]! & bitOf(identifier)) !== 0
  }

  /** The memory that adding this identifier takes, in bytes. */
  costOf(identifier: number): number {
    return this.#pages?.has(identifier >> PAGE_BITS) === true ? 0 : PAGE_BYTES
  }

  /** @returns false when it was there already. */
  add(identifier: number): boolean {
    const page = this.#pageFor(identifier >> PAGE_BITS)
    const word = page[wordOf(identifier)]!
    const bit = bitOf(identifier)
    if ((word & bit) !== 0) return false
    page[wordOf(identifier)] = word | bit
    this.#size += 1
    return true
  }

  /** @returns false when it was not there. */
  delete(identifier: number): boolean {
    const page = this.#pages?.get(identifier >> PAGE_BITS)
    if (page === undefined) return false
    const word = page[wordOf(identifier)]!
    const bit = bitOf(identifier)
    if ((word & bit) === 0) return false
    page[wordOf(identifier)] = word & ~bit
    this.#size -= 1
    if (word === bit && page.every(isZero)) {
      this.#pages!.delete(identifier >> PAGE_BITS)
      this.#spare = page
    }
    return true
  }

  /** Another set of the same identifiers. */
  copy(): PacketIdentifierSet {
    const copy = new PacketIdentifierSet()
    copy.#size = this.#size
    if (this.#size > 0) copy.#pages = new Map([...this.#pages!].map(([number, page]) => [number, [...page]]))
    return copy
  }

  /** The identifiers, page by page; ascending within each page. */
  *[Symbol.iterator](): Generator<number> {
    for (const [number, page] of this.#pages ?? []) {
      const first = number << PAGE_BITS
      for (let index = 0; index < 1 << PAGE_BITS; index += 1) {
        if ((page[wordOf(index)]! & bitOf(index)) !== 0) yield first + index
      }
    }
  }

  #pageFor(number: number): number[] {
    this.#pages ??= new Map()
    let page = this.#pages.get(number)
    if (page === undefined) {
      page = this.#spare ?? Array.from({ length: WORDS }, () => 0)
      this.#spare = undefined
      this.#pages.set(number, page)
    }
    return page
  }
}

const wordOf = (identifier: number): number => (identifier >> 5) & (WORDS - 1)
const bitOf = (identifier: number): number => 1 << (identifier & 31)
const isZero = (word: number): boolean => word === 0
