import { readSync } from 'node:fs'

/** The root of a tree, its number of levels, and how many pages of each kind it has. */
export interface Tree {
  readonly root: bigint
  readonly depth: number
  readonly branches: number
  readonly leaves: number
  /** Of large values. */
  readonly overflows: number
}

/** What a meta page of LMDB says. The file has two of them; the one of the last transaction counts. */
export interface Meta {
  readonly pageSize: number
  readonly transaction: bigint
  /** The list of the free pages. */
  readonly free: Tree
  /** The entries. */
  readonly main: Tree
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
    free: treeAt(bytes, places.freeTree),
    main: treeAt(bytes, places.mainTree),
    lastPage: numberAt(bytes, places.lastPage),
  }
}

/** The one of two meta pages that counts. */
export const newer = (first: Meta, second: Meta): Meta => (second.transaction > first.transaction ? second : first)

const treeAt = (bytes: Buffer, place: number): Tree => ({
  depth: bytes.readUInt16LE(place + tree.depth),
  branches: numberAt(bytes, place + tree.branches),
  leaves: numberAt(bytes, place + tree.leaves),
  overflows: numberAt(bytes, place + tree.overflows),
  root: bytes.readBigUInt64LE(place + tree.root),
})

/** A number of pages: JavaScript can hold six of its eight bytes. */
const numberAt = (bytes: Buffer, at: number): number => bytes.readUIntLE(at, 6)

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
/** Where those of a tree are. */
const tree = { depth: 6, branches: 8, leaves: 16, overflows: 24, root: 40 } as const
const META_BYTES = 160
const MAGIC = 0xbeefc0de
/** Of the data format of LMDB. */
const VERSION = 2
