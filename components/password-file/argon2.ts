/** Argon2id from Node, where it has it, or from the optional package @node-rs/argon2. */

import * as crypto from 'node:crypto'
import type { Argon2idHash } from './password-hash.ts'

/** Computes the hash of a password off the main thread. */
export type Argon2 = (password: Uint8Array, parameters: Argon2idHash) => Promise<Uint8Array>

/** `crypto.argon2`, since Node 24.7. */
type NodeArgon2 = (
  algorithm: 'argon2id',
  parameters: Readonly<Record<string, Uint8Array | number>>,
  callback: (error: Error | null, hash: Uint8Array) => void,
) => void

/** What is used of @node-rs/argon2. */
interface Argon2Package {
  hashRaw(password: Uint8Array, options: Readonly<Record<string, Uint8Array | number>>): Promise<Uint8Array>
}

export interface Argon2Sources {
  readonly node: NodeArgon2 | undefined
  readonly load: () => Promise<Argon2Package>
}

const SOURCES: Argon2Sources = {
  node: (crypto as { readonly argon2?: NodeArgon2 }).argon2,
  load: async () => (await import('@node-rs/argon2')) as unknown as Argon2Package,
}

/** The numbers that the package has for Argon2id and for version 1.3. */
const ARGON2ID = 2
const VERSION_13 = 1

/** @throws an Error that names the solutions when neither is available. */
export const loadArgon2 = async ({ node, load }: Argon2Sources = SOURCES): Promise<Argon2> => {
  if (node !== undefined) return byNode(node)
  try {
    return byPackage(await load())
  } catch (cause) {
    throw new Error(
      'it has $argon2id$ hashes, which this Node cannot read: use Node 24.7 or newer, or install the package @node-rs/argon2',
      { cause },
    )
  }
}

const byNode =
  (argon2: NodeArgon2): Argon2 =>
  (message, { salt, hash, memoryKiB, passes, parallelism }) =>
    new Promise((resolve, reject) => {
      const parameters = { message, nonce: salt, tagLength: hash.length, memory: memoryKiB, passes, parallelism }
      argon2('argon2id', parameters, (error, result) => (error === null ? resolve(result) : reject(error)))
    })

const byPackage =
  ({ hashRaw }: Argon2Package): Argon2 =>
  (password, { salt, hash, memoryKiB, passes, parallelism }) =>
    hashRaw(password, {
      algorithm: ARGON2ID,
      version: VERSION_13,
      memoryCost: memoryKiB,
      timeCost: passes,
      parallelism,
      outputLen: hash.length,
      salt,
    })
