import { readSync } from 'node:fs'

/** The root of a tree, its number of levels, and its pages. */
export interface Tree {
  readonly root: bigint
  readonly depth: number
  readonly pages: number
}

/** What a meta page of LMDB says. The file has two of them; the one of the last transaction counts. */
export interface Meta {
  readonly pageSize: number
  readonly transaction: bigint
  /** The pages that are free, and the entries. */
  readonly trees: readonly [free: Tree, main: Tree]
  /** The last page that LMDB has used. */
  readonly lastPage: number
}

/** The meta page at a position. @returns undefined when there is none. */
export const metaAt = (descriptor: number, position: number): Meta | undefined => {
  const bytes = Buffer.allocUnsafe(META_BYTES)
  if (readSync(descriptor, bytes, 0, META_BYTES, position) < META_BYTES) return undefined
  if (bytes.readUInt32LE(places.magic) !== MAGIC || bytes.readUInt32LE(places.version) !== VERSION) return undefined
  const pageSize = bytes.readUInt32LE(places.pageSize)
  if (pageSize < 256 || pageSize > 65_536 || (pageSize & (pageSize - 1)) !== 0) return undefined
  return {
    pageSize,
    transaction: bytes.readBigUInt64LE(places.transaction),
    trees: [treeAt(bytes, places.freeTree), treeAt(bytes, places.mainTree)],
    lastPage: bytes.readUIntLE(places.lastPage, NUMBER_BYTES),
  }
}

/** The one of two meta pages that counts. */
export const newer = (first: Meta, second: Meta): Meta => (second.transaction > first.transaction ? second : first)

const treeAt = (bytes: Buffer, place: number): Tree => ({
  depth: bytes.readUInt16LE(place + tree.depth),
  pages: tree.pages.reduce((sum, at) => sum + bytes.readUIntLE(place + at, NUMBER_BYTES), 0),
  root: bytes.readBigUInt64LE(place + tree.root),
})

/** Where the fields of a meta page are: little-endian, as the machine has it. */
const places = {
  magic: 24,
  version: 28,
  pageSize: 48,
  freeTree: 48,
  mainTree: 96,
  lastPage: 144,
  transaction: 152,
} as const
/** Where those of a tree are. Its pages are branches, leaves, and pages of large values. */
const tree = { depth: 6, pages: [8, 16, 24], root: 40 } as const
const META_BYTES = 160
/** Of a number of pages that JavaScript can hold. */
const NUMBER_BYTES = 6
const MAGIC = 0xbeefc0de
/** Of the data format of LMDB. */
const VERSION = 2
