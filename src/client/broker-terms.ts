import type { PropertiesObject } from '../mqtt/read-properties.ts'
import { ReasonCode } from '../mqtt/reason-code.ts'
import { ClientError } from './client-error.ts'
import type { PublishMessage } from './outgoing-messages.ts'

/** What the CONNACK packet of a broker says that it takes (section 3.2.2.3). */
export class BrokerTerms {
  readonly receiveMaximum: number
  readonly #maximumPacketSize: number
  readonly #maximumQoS: number
  readonly #retainAvailable: boolean

  /** @param properties of CONNACK. */
  constructor({ receiveMaximum, maximumPacketSize, maximumQoS, retainAvailable }: PropertiesObject) {
    this.receiveMaximum = (receiveMaximum as number | undefined) ?? 65_535
    this.#maximumPacketSize = (maximumPacketSize as number | undefined) ?? Number.POSITIVE_INFINITY
    this.#maximumQoS = maximumQoS === undefined ? 2 : Number(maximumQoS)
    this.#retainAvailable = retainAvailable !== false
  }

  /**
   * Checks a message before it is sent [MQTT-3.2.2-11] [MQTT-3.2.2-14] [MQTT-3.2.2-15].
   * @param size of its packet, in bytes. @throws ClientError with the code NOT_SUPPORTED or TOO_LARGE.
   */
  check({ qos, retain }: PublishMessage, size: number): void {
    if (qos > this.#maximumQoS) {
      throw new ClientError('NOT_SUPPORTED', `The broker takes messages up to QoS ${this.#maximumQoS}.`, {
        reasonCode: ReasonCode.QoSNotSupported,
      })
    }
    if (retain && !this.#retainAvailable) {
      throw new ClientError('NOT_SUPPORTED', 'The broker does not retain messages.', {
        reasonCode: ReasonCode.RetainNotSupported,
      })
    }
    if (size > this.#maximumPacketSize) {
      const text = `The packet has ${size} bytes. The broker takes ${this.#maximumPacketSize}.`
      throw new ClientError('TOO_LARGE', text, { reasonCode: ReasonCode.PacketTooLarge })
    }
  }
}
