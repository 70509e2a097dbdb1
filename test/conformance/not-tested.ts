/** Why no test proves a statement: there is nothing that a server could do, or show. */
export const reasons = {
  client: 'binds only the client: a server cannot observe it',
  transport: 'about WebSocket, for which this broker has no transport yet',
} as const

/** The statements that no test names, each with its reason; `test/docs/conformance.test.ts` holds the list to the tests. */
export const notTested: Readonly<Record<string, keyof typeof reasons>> = {
  // When PINGREQ is sent is the client's business; that silence is not tolerated is [MQTT-3.1.2-22].
  'MQTT-3.1.2-20': 'client',
  'MQTT-3.1.2-21': 'client',
  'MQTT-3.2.2-4': 'client',
  'MQTT-3.2.2-5': 'client',
  'MQTT-3.2.2-21': 'client',
  'MQTT-3.3.2-10': 'client',
  'MQTT-3.3.4-8': 'client',
  'MQTT-4.5.0-2': 'client',
  // The same of the server is tested, without these ids.
  'MQTT-4.6.0-1': 'client',
  'MQTT-4.6.0-2': 'client',
  'MQTT-4.6.0-3': 'client',
  'MQTT-4.6.0-4': 'client',
  'MQTT-6.0.0-1': 'transport',
  'MQTT-6.0.0-2': 'transport',
  'MQTT-6.0.0-3': 'transport',
  'MQTT-6.0.0-4': 'transport',
}
