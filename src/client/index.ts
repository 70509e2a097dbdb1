/** An MQTT client on the codec of this package: for the commands of `mqtt-jig`. */

export { ClientError, type ClientErrorCode, refusedBy } from './client-error.ts'
export type { SubscriptionRequest, Will } from './client-packet.ts'
export { type ClientOptions, MqttClient, type ReceivedMessage, type ReconnectOptions } from './mqtt-client.ts'
export type { PublishMessage, PublishResult } from './outgoing-messages.ts'
export { filePayload, isStreamed, type Payload, type StreamedPayload } from './payload.ts'
export { type BrokerUrl, describeTarget, parseBrokerUrl, type Target, type TlsOptions, targetOfUrl } from './target.ts'
