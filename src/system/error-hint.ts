/** Hints about common errors of Node, in terms of the config of the component that failed. */

import { isPlainObject } from './plain-object.ts'
import type { SystemError } from './system-error.ts'

/** The fields that Node adds to its errors. */
interface NodeError {
  readonly code?: unknown
  readonly syscall?: unknown
  readonly port?: unknown
  readonly address?: unknown
  readonly hostname?: unknown
}

/** Deeper than any port in a config. */
const deepest = 4

/** The hint for the first error of a chain of causes that has one. */
export const hintFor = (chain: readonly unknown[], error: SystemError | undefined): string | undefined => {
  for (const cause of chain) {
    const hint = typeof cause === 'object' && cause !== null ? hintOf(cause, error) : undefined
    if (hint !== undefined) return hint
  }
  return undefined
}

const hintOf = (cause: NodeError, error: SystemError | undefined): string | undefined => {
  const { code, syscall, port, address } = cause
  const hasPort = typeof port === 'number' && port > 0
  if (code !== 'EMFILE' && !hasPort && typeof (address ?? cause.hostname) !== 'string') return undefined
  const where = hasPort ? `port ${port}${typeof address === 'string' ? ` on ${address}` : ''}` : String(address)
  const change = hasPort
    ? changeIt(error, port, port < 65_535 ? Math.max(port + 1, 1024) : 1024)
    : changeIt(error, address, undefined)
  switch (code) {
    case 'EADDRINUSE':
      return `${where} is taken: another process listens there${change}`
    case 'EACCES':
      if (syscall !== 'listen' && syscall !== 'bind') return undefined
      return `this process may not listen on ${where}${hasPort && port < 1024 ? ': ports below 1024 need privileges' : ''}${change}`
    case 'EADDRNOTAVAIL':
      return `this machine has no address ${address}${changeIt(error, address, '127.0.0.1')}`
    case 'ECONNREFUSED':
      return `nothing listens at ${where}: start it${change}`
    case 'ENOTFOUND':
      return `the name ${cause.hostname} is not known to the resolver${changeIt(error, cause.hostname, undefined)}`
    case 'EMFILE':
      return 'this process has as many files and sockets open as it may: raise the limit (ulimit -n)'
    default:
      return undefined
  }
}

/** `; change it with server.config.port or --set server.port=1884`, when the component's config holds the value. */
const changeIt = (error: SystemError | undefined, value: unknown, instead: unknown): string => {
  const name = error?.component
  const entry = name === undefined ? undefined : error?.system?.config[name]
  if (name === undefined || entry === undefined) return ''
  const path = pathTo(value, entry.component.config.safeParse(entry.config ?? {}).data, 0)
  if (path === undefined) return ''
  const set = instead === undefined ? '' : ` or --set ${[name, ...path].join('.')}=${instead}`
  return `; change it with ${[name, 'config', ...path].join('.')}${set}`
}

/** The path of the value in a config. */
const pathTo = (value: unknown, config: unknown, depth: number): readonly string[] | undefined => {
  if (!isPlainObject(config) || depth > deepest) return undefined
  for (const [key, held] of Object.entries(config)) {
    if (held === value) return [key]
    const path = pathTo(value, held, depth + 1)
    if (path !== undefined) return [key, ...path]
  }
  return undefined
}
