import type { Socket } from 'node:net'
import { pickListenerOptions } from '../../src/kinds/listener-options.ts'
import type { Logger } from '../../src/kinds/logger.ts'
import type { Peer } from '../../src/kinds/peer.ts'
import type { KeptListening } from '../../src/network/listening.ts'
import { SocketTransport } from '../../src/network/socket-transport.ts'
import type { UnixSocketConfig } from './config.ts'

/** Connections from this machine over a Unix socket. Node removes the file of the socket when it is closed. */
export class UnixSocketListener extends SocketTransport {
  /** @param kept what listens already. @param log that of the component. */
  constructor(kept: KeptListening, config: UnixSocketConfig, name: string, log: Logger) {
    const { path, backlog } = config
    super(kept, {
      name,
      transport: 'unix',
      adoptable: true,
      address: { path, backlog },
      options: pickListenerOptions(config),
      log,
    })
  }

  protected override begin(socket: Socket, peer: Peer): void {
    this.ready(socket, peer)
  }
}
