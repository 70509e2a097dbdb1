import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Logger } from '../../src/kinds/logger.ts'
import type { Peer } from '../../src/kinds/peer.ts'
import { type HandshakeBounds, Handshakes, type HandshakesState } from '../../src/network/handshakes.ts'
import { TlsAcceptor, type TlsState } from '../../src/network/tls/tls-acceptor.ts'
import type { TlsOptions } from '../../src/network/tls/tls-config.ts'
import type { TlsContexts, TlsCounts } from '../../src/network/tls/tls-contexts.ts'

/** What a successor shares. */
export interface SecureState {
  readonly handshakes: HandshakesState
  readonly tls: TlsState
  readonly contexts: TlsCounts
}

/** TLS in front of the HTTP requests. */
export class SecureSockets {
  readonly contexts: TlsContexts
  readonly acceptor: TlsAcceptor
  readonly handshakes: Handshakes
  #bounds: HandshakeBounds

  /** @param contexts whose watch ends with `stop`. @param secured takes each connection whose handshake has succeeded. */
  constructor(
    contexts: TlsContexts,
    config: TlsOptions,
    bounds: HandshakeBounds,
    log: Logger,
    secured: (socket: TLSSocket, peer: Peer) => void,
  ) {
    this.contexts = contexts
    this.#bounds = bounds
    this.handshakes = new Handshakes(bounds, log)
    const { handshakes } = this
    this.acceptor = new TlsAcceptor({ config, contexts, handshakes, applicationProtocols: [], log, secured })
  }

  /** Changes the settings, after the contexts were. @returns goes back. */
  use(config: TlsOptions, bounds: HandshakeBounds): () => void {
    const before = this.#bounds
    const set = (to: HandshakeBounds): void => {
      this.#bounds = to
      this.handshakes.configure(to)
    }
    set(bounds)
    const undo = this.acceptor.use({ config, applicationProtocols: [] })
    return () => {
      set(before)
      undo()
    }
  }

  handOver(): SecureState {
    return {
      handshakes: this.handshakes.handOver(),
      tls: this.acceptor.handOver(),
      contexts: this.contexts.counts(),
    }
  }

  /** Continues for another object. */
  continueFrom({ handshakes, tls, contexts }: SecureState): void {
    this.handshakes.continueFrom(handshakes)
    this.acceptor.continueFrom(tls)
    this.contexts.continueFrom(contexts)
  }

  begin(socket: Socket, peer: Peer): void {
    this.acceptor.begin(socket, peer)
  }

  /** Ends the handshakes under way, and the watch of the files. */
  stop(): void {
    this.contexts.stop()
    this.acceptor.stop()
  }
}
