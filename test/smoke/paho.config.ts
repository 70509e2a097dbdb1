/** The broker as the interoperability suites of Eclipse Paho presuppose it: see `scripts/paho-interop.ts`. */

import system from '../../memory.config.ts'
import { defineSystem } from '../../src/system/define-system.ts'
import { refusingOneFilter } from './refusing-one-filter.ts'

export default defineSystem({
  ...system,
  logger: { ...system.logger, config: { level: 'info', format: 'json' } },
  // test_subscribe_failure: a filter that is refused, with 0x80 in both versions.
  topicRules: { component: refusingOneFilter, config: { filter: 'test/nosubscribe' } },
  // test_maximum_packet_size looks at the server's limit only when it is less than 65,535.
  mqttDecoder: { ...system.mqttDecoder, config: { maximumPacketSize: 60_000 } },
  mqttHandler: {
    ...system.mqttHandler,
    config: {
      // test_subscribe_failure wants 0x80; and the client of the suites cannot read a PUBACK with a Reason String.
      explainRefusals: false,
      // test_server_keep_alive: a client asks for 120 seconds.
      maximumKeepAliveSeconds: 60,
      // test_server_topic_alias: the first message on a topic sets its alias.
      topicAliasAfter: 1,
    },
  },
  server: { ...system.server, config: { port: 0 } },
})
