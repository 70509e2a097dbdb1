import type { IDisconnectPacket } from 'mqtt-packet'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import type { Client } from './client.ts'
import { takes } from './packet-size.ts'
import { Phase } from './phase.ts'
import { Pause } from './reading.ts'

/**
 * The server stops: tells the client, if its version has a Reason Code for that, and ends the connection. With `shutdownReference` the
 * client is told which server to use instead.
 */
export const stopClient = (client: Client): void => {
  const { shutdownReference } = client.handler.config
  if (shutdownReference !== undefined && client.isVersion5 && client.phase === Phase.Connected) {
    const { server: serverReference, moved } = shutdownReference
    const reasonCode = moved ? ReasonCode.ServerMoved : ReasonCode.UseAnotherServer
    const packet: IDisconnectPacket = { cmd: 'disconnect', reasonCode, properties: { serverReference } }
    // The Server Reference may be omitted (section 4.11) if the packet would be larger than the client's Maximum Packet Size.
    client.send(takes(client, packet) ? packet : { cmd: 'disconnect', reasonCode })
    client.end('server stops', { by: 'broker', reasonCode })
  } else if (client.phase < Phase.Accepted) {
    client.end('server stops', { by: 'broker', reasonCode: ReasonCode.ServerShuttingDown })
  } else client.disconnect(ReasonCode.ServerShuttingDown, 'server stops')
}

/** Whether the client or the broker would have to repeat something over the next connection if this one ended now. */
export const isUnfinished = ({ phase, session, gate, reading }: Client): boolean => {
  if (phase === Phase.Ended || session === undefined) return false
  const waits = gate.waiting > 0 || reading.pausedExcept(Pause.Rate)
  return waits || session.outbox.inflight > 0 || session.unreleased.ofConnection > 0
}
