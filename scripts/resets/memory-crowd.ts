/** Clients without sockets: what a broker holds for connections that the machine could not open. */

import { z } from 'zod'
import { DEFAULT_LISTENER_OPTIONS } from '../../src/kinds/listener-options.ts'
import { type ByteStream, Transport, type TransportServer } from '../../src/kinds/transport.ts'
import { defineComponent } from '../../src/system/define-system.ts'

/** A transport whose connections are made in the process. */
export class MemoryCrowd implements Transport {
  readonly name: string
  readonly transport = 'memory'
  readonly address = 'memory'
  readonly isLocal = true
  readonly adoptable = false
  readonly options = DEFAULT_LISTENER_OPTIONS
  #server: TransportServer | undefined

  constructor(name: string) {
    this.name = name
  }

  serve(server: TransportServer): void {
    this.#server = server
  }

  hold(): void {
    this.#server = undefined
  }

  /** Connects a client that sends these bytes. */
  connect(bytes: Buffer): void {
    const peer = { address: '127.0.0.1', port: 0, listener: this.name, transport: this.transport }
    this.#server?.accept(new SilentStream(bytes), peer)
  }
}

type Listener = (...parts: never[]) => void

/** The connection of a client that sends some bytes, and then only takes what comes. */
class SilentStream implements ByteStream {
  readonly writableLength = 0
  readonly errored = null
  readonly copiesBytes = true
  destroyed = false
  readonly #bytes: Buffer
  #onClose: Listener[] = []

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  on(event: string, listener: Listener): this {
    if (event === 'data') setImmediate(listener as (chunk: Buffer) => void, this.#bytes)
    if (event === 'close') this.#onClose.push(listener)
    return this
  }

  pause(): void {}

  resume(): void {}

  write(_bytes: Uint8Array, written?: (error?: Error | null) => void): boolean {
    if (written !== undefined) setImmediate(written)
    return true
  }

  cork(): void {}

  uncork(): void {}

  end(): void {
    this.destroy()
  }

  destroy(): void {
    if (this.destroyed) return
    this.destroyed = true
    for (const listener of this.#onClose) setImmediate(listener as () => void)
    this.#onClose = []
  }
}

export const memoryCrowd = defineComponent({
  provides: Transport,
  needs: {},
  config: z.strictObject({}),
  start: (_config, _dependencies, { name }) => new MemoryCrowd(name),
  connections: () => ({}),
})
