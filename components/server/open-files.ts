import { readFile } from 'node:fs/promises'
import type { Logger } from '../../src/kinds/logger.ts'
import { DEFAULT_MAXIMUM_CONNECTIONS, type ServerConfig } from './config.ts'

/** Open files that a broker needs besides those of its connections: sockets that listen, the log, the store, modules. */
const OTHER_FILES = 200

/** A default that cannot be reached is reported as information, unless fewer connections than these are possible. */
const FEW_CONNECTIONS = 10_000

/**
 * The number of files that this process may open. Each connection is one.
 * @param file where Linux tells it.
 * @returns undefined if the operating system does not tell it, or has no limit.
 */
export const openFileLimit = async (file = '/proc/self/limits'): Promise<number | undefined> => {
  const text = await readFile(file, 'utf8').catch(() => '')
  // Node raises the soft limit, which comes first, to the hard limit when it starts.
  const limit = /^Max open files\s+(\d+)/m.exec(text)?.[1]
  return limit === undefined ? undefined : Number(limit)
}

/**
 * Warns if there cannot be as many connections as the config allows.
 * @param limit of open files; undefined if it is not known.
 */
export const warnAboutOpenFiles = (
  { maximumConnections }: Pick<ServerConfig, 'maximumConnections'>,
  limit: number | undefined,
  log: Logger,
): void => {
  if (limit === undefined || limit >= maximumConnections + OTHER_FILES) return
  const possible = Math.max(0, limit - OTHER_FILES)
  const needed = maximumConnections + OTHER_FILES
  const isDefault = maximumConnections === DEFAULT_MAXIMUM_CONNECTIONS
  log[isDefault && possible >= FEW_CONNECTIONS ? 'info' : 'warn'](
    { openFiles: limit, maximumConnections },
    `maximumConnections (${maximumConnections}) cannot be reached: this process may open ${limit} files, which are enough for about ` +
      `${possible} connections. Raise the limit to ${needed} or more (ulimit -n ${needed}; LimitNOFILE=${needed} in a systemd unit; ` +
      `--ulimit nofile=${needed} in Docker), or set maximumConnections to ${Math.max(1, possible)}`,
  )
}
