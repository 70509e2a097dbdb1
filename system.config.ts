/**
 * The broker. Each entry is a component under the name that the others know it by, with its config and with the names of
 * what it depends on; components start once everything they depend on runs, and stop in reverse.
 *
 * Change the system here: another value, another component of the same kind in an entry's place, one more stage in the
 * pipeline, `enabled: false`. The compiler checks the wiring as you type; `npm run graph` draws it.
 */

import { broker } from './components/broker/index.ts'
import { logger } from './components/logger/index.ts'
import { mqttDecoder } from './components/mqtt-decoder/index.ts'
import { mqttEncoder } from './components/mqtt-encoder/index.ts'
import { mqttHandler } from './components/mqtt-handler/index.ts'
import { packetLog } from './components/packet-log/index.ts'
import { router } from './components/router/index.ts'
import { scramSha256 } from './components/scram-sha-256/index.ts'
import { server } from './components/server/index.ts'
import { memoryStore } from './components/store-memory/index.ts'
import { topicRules } from './components/topic-rules/index.ts'
import { defineSystem } from './src/system/define-system.ts'

export default defineSystem({
  // Lines for people in a terminal, JSON otherwise.
  logger: { component: logger, config: { level: 'info' } },

  // Who receives which message.
  router: { component: router },

  // Sessions that outlive their connections, and retained messages.
  store: { component: memoryStore },

  // Who clients are, and what they may do. As long as neither is enabled, everybody may do everything.
  scramSha256: { component: scramSha256, enabled: false, config: { users: {} } },
  topicRules: { component: topicRules, enabled: false, config: { rules: [], default: 'allow' } },

  // Sessions and their life, retained messages, publishing: what outlives a connection.
  broker: {
    component: broker,
    dependencies: { router: 'router', store: 'store', authorizer: 'topicRules', logger: 'logger' },
  },

  // The stages of a connection's pipeline: bytes to packets, what they mean, packets to bytes.
  mqttDecoder: { component: mqttDecoder },
  packetLog: { component: packetLog, enabled: false, dependencies: { logger: 'logger' } },
  mqttHandler: {
    component: mqttHandler,
    dependencies: { broker: 'broker', authenticationMethods: ['scramSha256'], logger: 'logger' },
  },
  mqttEncoder: { component: mqttEncoder },

  // Accepts connections, from this machine alone: host '0.0.0.0' opens the broker to the network.
  server: {
    component: server,
    config: { host: '127.0.0.1', port: 1883 },
    dependencies: {
      // What a client sends goes through these from left to right. Those that are not enabled are passed over.
      pipeline: ['mqttDecoder', 'packetLog', 'mqttHandler', 'mqttEncoder'],
      logger: 'logger',
    },
  },
})
