/**
 * The broker. Each entry has a name and a component, its config, and the names of its dependencies. A component starts when all its
 * dependencies run. Components stop in reverse order.
 *
 * To change the broker, edit this file: another value, another component of the same kind in an entry, a further stage in the
 * pipeline, `enabled: false`. The compiler checks the wiring as you type; `npm run graph` draws it.
 */

import { admin } from './components/admin/index.ts'
import { broker } from './components/broker/index.ts'
import { dashboard } from './components/dashboard/index.ts'
import { httpServer } from './components/http-server/index.ts'
import { logger } from './components/logger/index.ts'
import { metrics } from './components/metrics/index.ts'
import { mqttDecoder } from './components/mqtt-decoder/index.ts'
import { mqttEncoder } from './components/mqtt-encoder/index.ts'
import { mqttHandler } from './components/mqtt-handler/index.ts'
import { packetLog } from './components/packet-log/index.ts'
import { passwordFile } from './components/password-file/index.ts'
import { router } from './components/router/index.ts'
import { scramSha256 } from './components/scram-sha-256/index.ts'
import { server } from './components/server/index.ts'
import { lmdbStore } from './components/store-lmdb/index.ts'
import { sysTopics } from './components/sys-topics/index.ts'
import { tls } from './components/tls/index.ts'
import { topicRules } from './components/topic-rules/index.ts'
import { traceStage } from './components/trace/index.ts'
import { tracer } from './components/tracer/index.ts'
import { webSocket } from './components/web-socket/index.ts'
import { defineSystem } from './src/system/define-system.ts'

export default defineSystem({
  // Lines for people in a terminal, JSON otherwise.
  logger: { component: logger, config: { level: 'info' } },

  // Decides who receives a message.
  router: { component: router },

  // Sessions that outlive their connections, and retained messages: in the directory `data`, on the disk before they are
  // acknowledged. To keep them in memory only, import memoryStore of the component store-memory:
  // { component: memoryStore, dependencies: { logger: 'logger' } }
  store: {
    component: lmdbStore,
    config: { path: 'data' },
    startDeadlineMs: 120_000,
    dependencies: { logger: 'logger' },
  },

  // Authentication and access control. If all are disabled, every client may do everything.
  passwordFile: {
    component: passwordFile,
    enabled: false,
    config: { path: 'passwords' },
    dependencies: { logger: 'logger' },
  },
  scramSha256: { component: scramSha256, enabled: false, config: { users: {} } },
  topicRules: { component: topicRules, enabled: false, config: { rules: [] } },

  // Sessions, retained messages, publishing.
  broker: {
    component: broker,
    // It restores the sessions of the store first.
    startDeadlineMs: 120_000,
    dependencies: { router: 'router', store: 'store', authorizers: ['topicRules'], logger: 'logger' },
  },

  // The stages of the pipeline of a connection: decode bytes, handle packets, encode packets.
  mqttDecoder: { component: mqttDecoder },
  packetLog: { component: packetLog, enabled: false, dependencies: { logger: 'logger' } },
  mqttHandler: {
    component: mqttHandler,
    dependencies: {
      broker: 'broker',
      authenticators: ['passwordFile'],
      authenticationMethods: ['scramSha256'],
      logger: 'logger',
    },
  },
  mqttEncoder: { component: mqttEncoder },

  // Further listeners. The server serves the connections of all that are enabled.
  tls: {
    component: tls,
    enabled: false,
    config: { cert: 'certificates/server.crt', key: 'certificates/server.key' },
    dependencies: { logger: 'logger' },
  },
  webSocket: { component: webSocket, enabled: false, dependencies: { logger: 'logger' } },

  // For operators: the topics below $SYS/broker, and on http://127.0.0.1:18083 a dashboard, an API with the token of the file
  // `admin-token`, and metrics for Prometheus at /metrics. With `trace` in the pipeline, the packets of a client can be followed.
  sysTopics: { component: sysTopics, dependencies: { broker: 'broker', logger: 'logger' } },
  httpServer: { component: httpServer, enabled: false, dependencies: { logger: 'logger' } },
  metrics: {
    component: metrics,
    enabled: false,
    dependencies: { http: 'httpServer', router: 'router', logger: 'logger' },
  },
  admin: {
    component: admin,
    enabled: false,
    dependencies: {
      http: 'httpServer',
      broker: 'broker',
      listener: 'server',
      tracer: 'tracer',
      users: 'passwordFile',
      logger: 'logger',
    },
  },
  dashboard: { component: dashboard, enabled: false, dependencies: { http: 'httpServer', logger: 'logger' } },
  tracer: { component: tracer, enabled: false, dependencies: { logger: 'logger' } },
  trace: { component: traceStage, enabled: false, dependencies: { tracer: 'tracer', broker: 'broker' } },

  // Accepts connections from this machine only. host: '0.0.0.0' opens the broker to the network: that needs an authenticator, or
  // allowAnonymous: true.
  server: {
    component: server,
    config: { host: '127.0.0.1', port: 1883 },
    dependencies: {
      // Packets from a client pass these stages from left to right. Disabled stages are skipped.
      pipeline: ['mqttDecoder', 'packetLog', 'trace', 'mqttHandler', 'mqttEncoder'],
      logger: 'logger',
    },
  },
})
