import type { Socket } from 'node:net'
import { pickListenerOptions } from '../../src/kinds/listener-options.ts'
import type { Logger } from '../../src/kinds/logger.ts'
import type { Peer } from '../../src/kinds/peer.ts'
import { change } from '../../src/network/adjustments.ts'
import type { KeptListening } from '../../src/network/listening.ts'
import { SocketTransport, type SocketTransportSettings } from '../../src/network/socket-transport.ts'
import type { Adjustment } from '../../src/system/define-system.ts'
import type { UnixSocketConfig } from './config.ts'
import { listenAtPath, setModeNow } from './socket-file.ts'

/** What a successor has to know. */
type UnixParts = Pick<UnixSocketConfig, 'path' | 'mode'>

/** Connections from this machine over a Unix socket. Node removes the file of the socket when it is closed. */
export class UnixSocketListener extends SocketTransport<UnixParts> {
  #config: UnixSocketConfig

  /** @param kept what listens already; undefined for a successor. @param log that of the component. */
  constructor(kept: KeptListening | undefined, config: UnixSocketConfig, name: string, log: Logger) {
    super(kept, { name, transport: 'unix', adoptable: true, ...settingsOf(config), log })
    this.#config = config
  }

  /** Prepares the change to another config. Connections stay. */
  adjust(config: UnixSocketConfig, log: Logger): Promise<Adjustment> {
    return this.prepare({
      settings: settingsOf(config),
      log,
      steps: [change(() => this.#use(config))],
      listenAt: () => listenAtPath(config),
    })
  }

  /** A file at another path has its mode from the start. */
  #use(config: UnixSocketConfig): () => void {
    const before = this.#config
    const undo = changeMode(before, config)
    this.#config = config
    return () => {
      this.#config = before
      undo()
    }
  }

  protected override giveParts(): UnixParts {
    return this.#config
  }

  protected override takeParts(before: UnixParts): () => void {
    return changeMode(before, this.#config)
  }

  protected override listenAnew(): Promise<KeptListening> {
    return listenAtPath(this.#config)
  }

  protected override begin(socket: Socket, peer: Peer): void {
    this.ready(socket, peer)
  }
}

/** Changes the mode of a file that stays. @returns changes it back. */
const changeMode = (before: UnixParts, { path, mode }: UnixParts): (() => void) => {
  if (path !== before.path || mode === before.mode) return () => undefined
  setModeNow(path, mode)
  return () => setModeNow(path, before.mode)
}

const settingsOf = (config: UnixSocketConfig): SocketTransportSettings => ({
  address: { path: config.path, backlog: config.backlog },
  options: pickListenerOptions(config),
})
