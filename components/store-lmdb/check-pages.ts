import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { metaAt, newer, type Tree } from './meta-page.ts'

/**
 * Checks the head of an LMDB file and the branch pages of its trees before native code sees them: a damaged page would end the
 * process with a signal. The leaf pages are not read, only whether they are within the file. A file may be shorter than the last
 * page that LMDB counts, since a page that was taken and given back in one transaction is never written.
 * @param file a file that need not exist. An empty one is a new one.
 * @throws an Error that says what is wrong.
 */
export const checkPages = (file: string): void => {
  let descriptor: number
  try {
    descriptor = openSync(file, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  try {
    const { size } = fstatSync(descriptor)
    if (size > 0) new PageCheck(file, descriptor, size).run()
  } finally {
    closeSync(descriptor)
  }
}

class PageCheck {
  readonly #file: string
  readonly #descriptor: number
  readonly #size: number

  constructor(file: string, descriptor: number, size: number) {
    this.#file = file
    this.#descriptor = descriptor
    this.#size = size
  }

  run(): void {
    const first = metaAt(this.#descriptor, 0)
    if (first === undefined) throw this.#damage('it is no LMDB file, or its head was overwritten')
    const second = metaAt(this.#descriptor, first.pageSize)
    if (second === undefined || second.pageSize !== first.pageSize) {
      throw this.#damage('its second meta page was overwritten or cut off')
    }
    const { free, main, pageSize } = newer(first, second)
    for (const tree of [free, main]) this.#checkTree(tree, pageSize)
  }

  /** Level by level. The last level are the leaves. */
  #checkTree({ root, depth }: Tree, pageSize: number): void {
    if (root === NO_PAGE) return
    if (depth > MAXIMUM_DEPTH) throw this.#damage(`a tree has ${depth} levels`)
    let level: number[] = [this.#within(root, pageSize)]
    const page = Buffer.alloc(pageSize)
    for (let above = depth; above > 1; above -= 1) {
      const below: number[] = []
      for (const number of level) this.#children(number, page, below)
      level = below
    }
  }

  /** Reads a branch page, and adds the numbers of the pages below it. */
  #children(number: number, page: Buffer, to: number[]): void {
    const read = readSync(this.#descriptor, page, 0, page.length, number * page.length)
    const flags = page.readUInt16LE(PAGE_FLAGS)
    if (read < page.length || page.readBigUInt64LE(0) !== BigInt(number) || (flags & BRANCH) === 0) {
      throw this.#damage(`page ${number} was overwritten or cut off`)
    }
    // Offsets count from the end of the header.
    const end = PAGE_HEADER + page.readUInt16LE(PAGE_LOWER)
    if (end > page.length) throw this.#damage(`page ${number} was overwritten`)
    for (let at = PAGE_HEADER; at < end; at += 2) {
      const node = PAGE_HEADER + page.readUInt16LE(at)
      if (node + NODE_HEADER > page.length) throw this.#damage(`page ${number} was overwritten`)
      to.push(this.#within(BigInt(page.readUIntLE(node, 6)), page.length))
    }
  }

  #within(number: bigint, pageSize: number): number {
    const end = (number + 1n) * BigInt(pageSize)
    if (end > BigInt(this.#size)) {
      throw this.#damage(`it has ${this.#size} bytes, and page ${number} ends at ${end}: it was cut off or overwritten`)
    }
    return Number(number)
  }

  #damage(what: string): Error {
    return new Error(`${this.#file} is damaged: ${what}. Restore a backup, or run: mqtt-jig store check`)
  }
}

const NO_PAGE = 0xffff_ffff_ffff_ffffn
/** Of LMDB's cursors. */
const MAXIMUM_DEPTH = 32

/** Of the header of any page, and its size. */
const PAGE_FLAGS = 18
const PAGE_LOWER = 20
const PAGE_HEADER = 24
const BRANCH = 1
const NODE_HEADER = 8
