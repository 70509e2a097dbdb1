import { kind } from '../system/kind.ts'
import type { Peer } from './peer.ts'

/** Answers requests. What it rejects with is logged, and the client gets 500 without a word of it. */
export type HttpHandler = (request: Request, peer: Peer) => Response | Promise<Response>

/**
 * Serves HTTP for operators: metrics, the state of the system, the admin API, the dashboard. Components add their paths when they start
 * and remove them when they stop. `request.signal` is aborted when the client closes the connection before the answer is complete.
 */
export interface HttpServer {
  /** Where it listens, as text: `127.0.0.1:18083`. */
  readonly address: string
  /** How clients address it: `https` with a certificate. */
  readonly scheme: 'http' | 'https'
  /**
   * Whether only clients on this machine can reach it. A handler that has no other protection must ask for a token if it is false.
   */
  readonly isLocal: boolean
  /**
   * Serves a path and all paths below it. The longest path that fits a request gets it.
   * @param path `/` or `/api`, without a slash at its end.
   * @returns removes it.
   * @throws Error if the path is served already.
   */
  route(path: string, handler: HttpHandler): () => void
}

export const HttpServer = kind<HttpServer>()('HttpServer')
