/** Which code made a handle: that of a component, of a package, or of Node for itself. */

import type { CallSite } from './call-sites.ts'
import type { HandleKind } from './leak-text.ts'

/** What runs between the call of `setTimeout` and us. */
const timerFiles = new Set(['node:internal/async_hooks', 'node:timers', 'node:internal/timers', 'node:timers/promises'])
/** Of sockets that Node makes for itself: it keeps those of HTTP for further requests, and a process has those of its streams. */
const ownSocketFiles = new Set(['node:_http_agent', 'node:internal/deps/undici/undici', 'node:internal/child_process'])

/**
 * The frame of the code that wanted a handle.
 * @param sites from the place where the handle is noted.
 * @returns undefined for a handle that Node made for itself, such as the timeout of a socket.
 */
export const makerOf = (kind: HandleKind, sites: readonly CallSite[]): CallSite | undefined => {
  if (kind === 'socket' && sites.some(({ file }) => file !== undefined && ownSocketFiles.has(file))) return undefined
  const node = sites.findIndex(({ file }) => file?.startsWith('node:'))
  const outside = sites.slice(node)
  if (kind !== 'timer') return outside.find(({ file }) => file !== undefined && !file.startsWith('node:'))
  const caller = outside.find(({ file }) => file === undefined || !timerFiles.has(file))
  return caller?.file?.startsWith('node:') ? undefined : caller
}
