/** Reads the built dashboard into memory. It is small, and a request never waits for the disk. */

import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { extname, join, resolve, sep } from 'node:path'
import { gzipSync } from 'node:zlib'

/** A file as it is sent. */
export interface BuiltFile {
  readonly type: string
  readonly bytes: Uint8Array<ArrayBuffer>
  /** Undefined if it is not smaller. */
  readonly gzipped: Uint8Array<ArrayBuffer> | undefined
  /** The value of `ETag`. */
  readonly tag: string
  /** Whether its name changes with its content: a browser may keep it for ever. */
  readonly isHashed: boolean
}

/** By their path from the folder: `index.html`, `assets/index-CC-P7VtK.js`. */
export type BuiltFiles = ReadonlyMap<string, BuiltFile>

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
}

/** The folder of the built dashboard, from the folder of this component, which is in `dist` or in the sources. */
export const findBuild = (component: string): string => {
  const installed = resolve(component, '../../dashboard')
  return existsSync(join(installed, 'index.html')) ? installed : resolve(component, '../../dist/dashboard')
}

/** @returns undefined if there is no `index.html`: the dashboard is not built. @throws Error if a file cannot be read. */
export const readBuild = async (folder: string): Promise<BuiltFiles | undefined> => {
  if (!existsSync(join(folder, 'index.html'))) return undefined
  const files = new Map<string, BuiltFile>()
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const type = TYPES[extname(entry.name)]
    if (!entry.isFile() || type === undefined) continue
    const path = join(entry.parentPath, entry.name)
    const name = path.slice(resolve(folder).length + 1).replaceAll(sep, '/')
    files.set(name, builtFile(name, type, new Uint8Array(await readFile(path))))
  }
  return files
}

const builtFile = (name: string, type: string, bytes: Uint8Array<ArrayBuffer>): BuiltFile => {
  const gzipped = new Uint8Array(gzipSync(bytes, { level: 9 }))
  return {
    type,
    bytes,
    gzipped: gzipped.length < bytes.length ? gzipped : undefined,
    tag: `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`,
    isHashed: name.startsWith('assets/'),
  }
}
