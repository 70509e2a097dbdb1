/** The listening side of the HTTP server: the server of Node with its address, deadlines and certificates. */

import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { createServer as createSecureServer, type Server as SecureServer } from 'node:https'
import type { Logger } from '../../src/kinds/logger.ts'
import { isLoopback } from '../../src/network/loopback.ts'
import { tlsFiles } from '../../src/network/tls/load-tls.ts'
import type { TlsOptions } from '../../src/network/tls/tls-config.ts'
import { TlsContexts } from '../../src/network/tls/tls-contexts.ts'
import type { Adjustment } from '../../src/system/define-system.ts'
import type { HttpServerConfig } from './config.ts'

/** The largest headers of a request, in bytes. */
const MAXIMUM_HEADER_BYTES = 16 * 1024
/** The interval at which deadlines are looked at, in milliseconds. */
const DEADLINE_INTERVAL_MS = 1_000
/** How long answers to connections of an address that was left may take, in milliseconds. */
const LEAVE_MS = 1_000

export type NodeServer = Server | SecureServer

const openToAll = (name: string, host: string): string =>
  `${name} is not opened on ${host}: other machines reach this address, and the admin API and the metrics would be open to them. Listen on ` +
  `127.0.0.1 and use an SSH tunnel or a proxy with TLS, or set allowRemote: true in the config of ${name}, with cert and key.`

/** @throws Error if other machines would reach it and the config does not allow that. */
export const checkRemote = async ({ host, allowRemote }: HttpServerConfig, name: string): Promise<void> => {
  if (allowRemote) return
  const { address } = await lookup(host)
  if (!isLoopback(address)) throw new Error(openToAll(name, host))
}

/** What HTTPS takes of a config. */
export const tlsOf = (config: HttpServerConfig): TlsOptions => {
  const { cert, key, passphrase, minimumVersion, ciphers, reloadIntervalMs } = config
  const unused = { certificates: [], clientCertificates: 'none' as const, handshakesPerTurn: 1 }
  return { cert, key, passphrase, minimumVersion, ciphers, reloadIntervalMs, ...unused }
}

/** The files that a config names. */
export const httpServerFiles = (config: HttpServerConfig): readonly string[] => tlsFiles(tlsOf(config))

/** The certificates of a config; undefined for HTTP without TLS. @throws as `TlsContexts.open`. */
export const openContexts = async (config: HttpServerConfig, log: Logger): Promise<TlsContexts | undefined> =>
  config.cert === undefined ? undefined : TlsContexts.open(tlsOf(config), log)

/** Listens at the address of the config. @throws the operating system's error. */
export const listen = async (config: HttpServerConfig, contexts: TlsContexts | undefined): Promise<NodeServer> => {
  const { address } = await lookup(config.host)
  const server = createNodeServer(config, contexts)
  server.listen({ host: address, port: config.port })
  await once(server, 'listening')
  return server
}

/** The move of a server to an address where another one listens already. @param use takes the server to use, and returns the one before. */
export const moveTo = (server: NodeServer, use: (server: NodeServer) => NodeServer): Adjustment => {
  let before: NodeServer | undefined
  const close = (closed: NodeServer): void => {
    closed.close()
    closed.closeAllConnections()
  }
  return {
    commit: () => {
      before = use(server)
    },
    undo: () => {
      if (before !== undefined) use(before)
      close(server)
    },
    done: () => {
      before?.close()
      setTimeout(() => before?.closeAllConnections(), LEAVE_MS).unref()
    },
    discard: () => close(server),
  }
}

const createNodeServer = (config: HttpServerConfig, contexts: TlsContexts | undefined): NodeServer => {
  const { headersDeadlineMs, requestDeadlineMs } = config
  const options = {
    connectionsCheckingInterval: Math.min(DEADLINE_INTERVAL_MS, headersDeadlineMs, requestDeadlineMs),
    maxHeaderSize: MAXIMUM_HEADER_BYTES,
    noDelay: true,
    // Node checks the one by the other.
    ...timeoutsOf(config),
  }
  const server =
    contexts === undefined
      ? createServer(options)
      : createSecureServer({
          ...options,
          ...contexts.current.certificates[0].options,
          handshakeTimeout: headersDeadlineMs,
        })
  configure(server, config)
  return server
}

const timeoutsOf = ({ headersDeadlineMs, requestDeadlineMs, idleDeadlineMs }: HttpServerConfig) => ({
  headersTimeout: Math.min(headersDeadlineMs, requestDeadlineMs),
  requestTimeout: requestDeadlineMs,
  keepAliveTimeout: Math.min(5_000, idleDeadlineMs),
})

/** Sets the values of a config that may change while it listens. */
export const configure = (server: NodeServer, config: HttpServerConfig): void => {
  Object.assign(server, timeoutsOf(config))
  server.maxConnections = config.maximumConnections
  server.timeout = config.idleDeadlineMs
}
