import { isUtf8 } from 'node:buffer'
import type { ClientFinish, ClientStart, ClientSummary } from '../../src/kinds/client-listener.ts'
import type { Message } from '../../src/mqtt/message.ts'

/** An event as JSON, without the comma or bracket around it. Times are milliseconds since 1970. */

export const connectedEvent = (client: ClientSummary, start: ClientStart): string =>
  JSON.stringify({
    ...{ event: 'connected', atMs: Math.round(client.connectedAtMs), ...clientFields(client) },
    keepAliveSeconds: client.keepAliveSeconds,
    ...{ cleanStart: start.cleanStart, sessionPresent: start.sessionPresent },
    expiryIntervalSeconds: start.expiryIntervalSeconds,
  })

export const disconnectedEvent = (client: ClientSummary, finish: ClientFinish, atMs: number): string =>
  JSON.stringify({
    ...{ event: 'disconnected', atMs: Math.round(atMs), ...clientFields(client) },
    ...{
      connectedAtMs: Math.round(client.connectedAtMs),
      by: finish.by,
      reasonCode: finish.reasonCode,
      why: finish.why,
    },
  })

export interface PayloadOptions {
  readonly payload: 'text' | 'base64' | 'none'
  readonly maximumPayloadBytes: number
}

/** @param message lent. */
export const messageEvent = (message: Message, options: PayloadOptions, atMs: number): string =>
  JSON.stringify({
    ...{ event: 'message', atMs: Math.round(atMs), topic: message.topic, qos: message.qos, retain: message.retain },
    ...{ payloadBytes: message.payloadLength, ...payloadFields(message, options) },
  })

const clientFields = ({ id, userName, peer, protocolVersion }: ClientSummary) => ({
  ...{ clientId: id, userName, address: peer.address, port: peer.port },
  ...{ listener: peer.listener, transport: peer.transport, protocolVersion },
})

const payloadFields = (message: Message, { payload, maximumPayloadBytes }: PayloadOptions) => {
  if (payload === 'none' || message.payloadLength > maximumPayloadBytes) return {}
  const bytes = message.payload
  return payload === 'text' && isUtf8(bytes)
    ? { payload: bytes.toString() }
    : { payloadBase64: bytes.toString('base64') }
}
