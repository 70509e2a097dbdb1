import type { Duplex } from 'node:stream'
import { DEFAULT_LISTENER_OPTIONS, type ListenerOptions } from '../../src/kinds/listener-options.ts'
import type { Peer } from '../../src/kinds/peer.ts'
import type { ByteStream, Transport, TransportServer } from '../../src/kinds/transport.ts'

/** The part of a transport that is the same for all that listen on a socket: who is served, and who waits. */
export abstract class StreamTransport implements Transport {
  readonly name: string
  abstract readonly transport: string
  abstract readonly address: string
  abstract readonly adoptable: boolean
  readonly isLocal = true
  readonly options: ListenerOptions = DEFAULT_LISTENER_OPTIONS
  /** Streams that came while no server used the transport. */
  readonly waiting: Duplex[]
  #server: TransportServer | undefined

  constructor(name: string, waiting: readonly Duplex[] = []) {
    this.name = name
    this.waiting = [...waiting]
  }

  serve(server: TransportServer): void {
    if (this.#server !== undefined) throw new Error(`${this.name} is served by another server already.`)
    this.#server = server
    for (const stream of this.waiting.splice(0)) this.accepted(stream)
  }

  hold(unserved: readonly ByteStream[]): void {
    this.#server = undefined
    this.waiting.push(...(unserved as Duplex[]))
  }

  /** Takes a new connection. */
  protected accepted(stream: Duplex): void {
    if (this.#server === undefined) this.waiting.push(stream)
    else this.#server.accept(stream, this.peerOf(stream))
  }

  protected peerOf(_stream: Duplex): Peer {
    return { address: '', port: 0, listener: this.name, transport: this.transport }
  }

  protected closeWaiting(): void {
    for (const stream of this.waiting.splice(0)) stream.destroy()
  }
}
