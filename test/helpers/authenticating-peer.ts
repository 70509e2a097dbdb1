import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { generate, type IAuthPacket, type IConnectPacket, type Packet, parser } from 'mqtt-packet'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { connectPacket } from './connect-packet.ts'
import { ScramClient, type ScramClientOptions } from './scram-client.ts'

type Properties = NonNullable<IConnectPacket['properties']>

/** A packet from a broker, with the fields that tests use. */
export interface FromBroker {
  readonly cmd: Packet['cmd']
  readonly reasonCode?: number
  readonly sessionPresent?: boolean
  readonly topic?: string
  readonly properties?: { readonly authenticationMethod?: string; readonly authenticationData?: Buffer }
}

/** A client of MQTT 5.0 that a test controls packet by packet, with support for SCRAM. */
export class AuthenticatingPeer {
  readonly socket: Socket
  readonly #received: FromBroker[] = []
  #changed: (() => void)[] = []
  #ended = false

  private constructor(socket: Socket) {
    this.socket = socket
    const incoming = parser({ protocolVersion: 5 })
    incoming.on('packet', (packet) => {
      this.#received.push(packet as FromBroker)
      this.#change()
    })
    socket.on('data', (chunk) => incoming.parse(chunk))
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.#ended = true
      this.#change()
    })
  }

  static async open(port: number): Promise<AuthenticatingPeer> {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true })
    await once(socket, 'connect')
    return new AuthenticatingPeer(socket)
  }

  /** Sends packets in one write. */
  send(...packets: Packet[]): this {
    this.socket.write(Buffer.concat(packets.map((packet) => generate(packet, { protocolVersion: 5 }))))
    return this
  }

  sendConnect(fields: Partial<IConnectPacket> = {}, properties: Properties = {}): this {
    return this.send(connectPacket({ properties, ...fields }, 5))
  }

  /** The next packet. @throws when the connection closes instead. */
  async next(): Promise<FromBroker> {
    while (this.#received.length === 0) {
      if (this.#ended) throw new Error('the connection is closed')
      await new Promise<void>((resolve) => this.#changed.push(resolve))
    }
    return this.#received.shift()!
  }

  /** Everything until the connection closes. */
  async rest(): Promise<FromBroker[]> {
    while (!this.#ended) await new Promise<void>((resolve) => this.#changed.push(resolve))
    return this.#received.splice(0)
  }

  /** Whether the connection works: the answer to PINGREQ comes, and nothing before it. */
  async answers(): Promise<boolean> {
    return (await this.send({ cmd: 'pingreq' }).next()).cmd === 'pingresp'
  }

  /**
   * Plays an exchange up to the last message of the client.
   * @param opening sends the first message.
   * @returns the broker's verdict, and the client to check it with.
   */
  async exchange(opening: (first: Buffer) => void, options: ScramClientOptions = {}) {
    const scram = new ScramClient(options)
    opening(scram.first())
    const challenge = await this.next()
    if (challenge.cmd !== 'auth') return { scram, verdict: challenge }
    this.send(auth(ReasonCode.ContinueAuthentication, scram.answer(challenge.properties!.authenticationData!)))
    return { scram, challenge, verdict: await this.next() }
  }

  /** Connects by SCRAM. @returns what `exchange` returns. */
  authenticate(options: ScramClientOptions = {}, fields: Partial<IConnectPacket> = {}, properties: Properties = {}) {
    return this.exchange((first) => {
      this.sendConnect(fields, { authenticationMethod: SCRAM, authenticationData: first, ...properties })
    }, options)
  }

  #change(): void {
    for (const resolve of this.#changed.splice(0)) resolve()
  }
}

export const SCRAM = 'SCRAM-SHA-256'

/** An AUTH packet. @param method undefined leaves it out, which is a Protocol Error. */
export const auth = (reasonCode: number, data?: Buffer, method: string | undefined = SCRAM): IAuthPacket => ({
  cmd: 'auth',
  reasonCode,
  properties: {
    ...(method === undefined ? {} : { authenticationMethod: method }),
    ...(data === undefined ? {} : { authenticationData: data }),
  },
})
