import { connect, type Socket } from 'node:net'
import { generate, type IConnackPacket, type Packet, parser } from 'mqtt-packet'

/** How long a client waits before it tries to connect again, in milliseconds. */
const RETRY_MS = 5

/** A client with a stored session. Its state is in memory and survives every crash of the broker. */
export interface PersistentClient {
  readonly clientId: string
  readonly protocolVersion: 4 | 5
  /** CONNACK came. */
  connected(connack: IConnackPacket): void
  packet(packet: Packet): void
}

/** The network connections of a client, one after the other: it connects again until it is told to stay away. */
export class ClientConnection {
  readonly #client: PersistentClient
  readonly #port: number
  #socket: Socket | undefined
  #timer: NodeJS.Timeout | undefined
  #isWanted = false
  #isAccepted = false

  constructor(client: PersistentClient, port: number) {
    this.#client = client
    this.#port = port
  }

  /** Whether CONNACK came over the present connection. */
  get isAccepted(): boolean {
    return this.#isAccepted
  }

  /** Connects, and again whenever the connection is lost. */
  open(): void {
    this.#isWanted = true
    if (this.#socket === undefined && this.#timer === undefined) this.#connect()
  }

  /** Closes the connection without DISCONNECT, and stays away. */
  close(): void {
    this.#isWanted = false
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#isAccepted = false
    this.#socket?.destroy()
  }

  send(packet: Packet): void {
    this.#socket?.write(generate(packet, { protocolVersion: this.#client.protocolVersion }))
  }

  #connect(): void {
    const { clientId, protocolVersion } = this.#client
    const socket = connect({ host: '127.0.0.1', port: this.#port, noDelay: true })
    this.#socket = socket
    const reader = parser({ protocolVersion })
    reader.on('packet', (packet) => {
      // What is read after the connection was closed is lost, as it would be in the network.
      if (this.#socket !== socket) return
      if (packet.cmd !== 'connack') this.#client.packet(packet)
      else {
        this.#isAccepted = true
        this.#client.connected(packet)
      }
    })
    socket.on('data', (bytes) => void (this.#socket === socket && reader.parse(bytes)))
    socket.on('error', () => undefined)
    socket.once('connect', () => {
      const properties = protocolVersion === 5 ? { properties: { sessionExpiryInterval: 3_600 } } : {}
      const head = {
        cmd: 'connect',
        protocolId: 'MQTT',
        protocolVersion,
        clientId,
        clean: false,
        keepalive: 0,
      } as const
      this.send({ ...head, ...properties })
    })
    socket.once('close', () => {
      if (this.#socket !== socket) return
      this.#socket = undefined
      this.#isAccepted = false
      if (!this.#isWanted) return
      this.#timer = setTimeout(() => {
        this.#timer = undefined
        this.#connect()
      }, RETRY_MS)
    })
  }
}
