import type { Client } from './client.ts'

/** Answers PINGREQ with PINGRESP [MQTT-3.12.4-1]. */
export const handlePingreq = (client: Client): void => client.send({ cmd: 'pingresp' })
