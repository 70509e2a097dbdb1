import type { AckResult } from '../../src/kinds/client-session.ts'
import { type Acknowledgement, acknowledgementName } from '../../src/mqtt/acknowledgement.ts'
import { PacketType } from '../../src/mqtt/packet-type.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import type { Client } from './client.ts'

/**
 * Takes an acknowledgement that says Success. Under load hundreds of them come in one read: they are read where they lie,
 * nothing is allocated for any of them, and the messages that wait for room in flight are sent after the last.
 * @param isLast false when another one of the same type follows at once.
 */
export const handleAcknowledgement = (
  client: Client,
  type: Acknowledgement,
  packetIdentifier: number,
  isLast: boolean,
): void => {
  switch (type) {
    case PacketType.Puback:
      finished(client, client.session!.outbox.puback(packetIdentifier), isLast, NO_PUBACK)
      break
    case PacketType.Pubcomp:
      finished(client, client.session!.outbox.pubcomp(packetIdentifier), isLast, NO_PUBCOMP)
      break
    case PacketType.Pubrec:
      handleReceived(client, packetIdentifier)
      break
    case PacketType.Pubrel:
      handleReleased(client, packetIdentifier)
      break
  }
}

const NO_PUBACK = 'client sent PUBACK for a message at QoS 2'
const NO_PUBCOMP = 'client sent PUBCOMP before it was sent PUBREL'

/** PUBACK or PUBCOMP came. An acknowledgement without a message is ignored: it may belong to an earlier connection. */
const finished = (client: Client, result: AckResult, isLast: boolean, whyWrong: string): void => {
  if (result === 'wrong') client.disconnect(ReasonCode.ProtocolError, whyWrong)
  else if (isLast) client.session!.outbox.pump()
}

/** The client has a message at QoS 2: PUBREL follows [MQTT-4.3.3-4]. */
const handleReceived = (client: Client, packetIdentifier: number): void => {
  const result = client.session!.outbox.pubrec(packetIdentifier, false)
  if (result === 'wrong') client.disconnect(ReasonCode.ProtocolError, 'client sent PUBREC for a message at QoS 1')
  else answer(client, PacketType.Pubrel, packetIdentifier, result === 'taken')
}

/** The client releases a Packet Identifier: PUBCOMP follows, even if it is not known here [MQTT-4.3.3-11]. */
const handleReleased = (client: Client, packetIdentifier: number): void => {
  const isKnown = client.session!.unreleased.release(packetIdentifier)
  answer(client, PacketType.Pubcomp, packetIdentifier, isKnown)
}

const answer = (client: Client, type: Acknowledgement, packetIdentifier: number, isKnown: boolean): void => {
  const { batch } = client.gate
  if (isKnown || !client.isVersion5) {
    client.acknowledges(type, packetIdentifier, true, batch)
    return
  }
  const reasonCode = ReasonCode.PacketIdentifierNotFound
  client.answer({ cmd: acknowledgementName(type), messageId: packetIdentifier, reasonCode }, true, undefined, batch)
}
