/**
 * A broker for the network: clients have a user name and a password. `mqtt-jig init` writes this file. docs/secure.md explains it.
 * Each entry has a name and a component, its config, and the names of its dependencies.
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
import { passwordFile } from './components/password-file/index.ts'
import { router } from './components/router/index.ts'
import { server } from './components/server/index.ts'
import { lmdbStore } from './components/store-lmdb/index.ts'
import { sysTopics } from './components/sys-topics/index.ts'
import { tls } from './components/tls/index.ts'
import { traceStage } from './components/trace/index.ts'
import { tracer } from './components/tracer/index.ts'
import { webSocket } from './components/web-socket/index.ts'
import { defineSystem } from './src/system/define-system.ts'

// The files of the certificate of the server and of its private key, in PEM.
const certificate = { cert: 'server.pem', key: 'server.key' }

// Whether they are there. If so, the network has to use TLS: the listeners without TLS are for programs on this machine. If not,
// passwords cross the network as plain text.
const hasTls = false
const plainHost = hasTls ? '127.0.0.1' : '0.0.0.0'

export default defineSystem({
  logger: { component: logger, config: { level: 'info' } },

  // The users, a line each. `npx mqtt-jig passwd add alice` adds one; the broker sees the change within seconds.
  passwordFile: { component: passwordFile, config: { path: 'passwords' }, dependencies: { logger: 'logger' } },

  // Sessions and retained messages are in the directory `data`, on the disk before they are acknowledged. To keep them in
  // memory only, import memoryStore of the component store-memory: { component: memoryStore, dependencies: { logger: 'logger' } }
  router: { component: router },
  store: {
    component: lmdbStore,
    config: { path: 'data' },
    startDeadlineMs: 120_000,
    dependencies: { logger: 'logger' },
  },
  broker: {
    component: broker,
    dependencies: { router: 'router', store: 'store', authorizers: [], logger: 'logger' },
  },

  mqttDecoder: { component: mqttDecoder },
  mqttHandler: {
    component: mqttHandler,
    dependencies: {
      broker: 'broker',
      authenticators: ['passwordFile'],
      authenticationMethods: [],
      logger: 'logger',
    },
  },
  mqttEncoder: { component: mqttEncoder },

  // For operators: the topics below $SYS/broker, and on http://127.0.0.1:18083 a dashboard, an API with the token of the file
  // `admin-token`, and metrics for Prometheus at /metrics. With `trace` in the pipeline, the packets of a client can be followed.
  sysTopics: { component: sysTopics, dependencies: { broker: 'broker', logger: 'logger' } },
  httpServer: { component: httpServer, dependencies: { logger: 'logger' } },
  metrics: {
    component: metrics,
    dependencies: { http: 'httpServer', router: 'router', logger: 'logger' },
  },
  admin: {
    component: admin,
    dependencies: {
      http: 'httpServer',
      broker: 'broker',
      listener: 'server',
      tracer: 'tracer',
      users: 'passwordFile',
      logger: 'logger',
    },
  },
  dashboard: { component: dashboard, dependencies: { http: 'httpServer', logger: 'logger' } },
  tracer: { component: tracer, dependencies: { logger: 'logger' } },
  trace: { component: traceStage, dependencies: { tracer: 'tracer', broker: 'broker' } },

  // MQTT over TCP.
  server: {
    component: server,
    config: { host: plainHost, port: 1883 },
    dependencies: { pipeline: ['mqttDecoder', 'trace', 'mqttHandler', 'mqttEncoder'], logger: 'logger' },
  },
  // MQTT over WebSocket: ws://HOST:8083/mqtt.
  webSocket: {
    component: webSocket,
    config: { host: plainHost, port: 8083 },
    dependencies: { logger: 'logger' },
  },
  // MQTT over TLS, and over WebSocket with TLS: wss://HOST:8084/mqtt.
  tls: {
    component: tls,
    enabled: hasTls,
    config: { ...certificate, host: '0.0.0.0', port: 8883 },
    dependencies: { logger: 'logger' },
  },
  secureWebSocket: {
    component: webSocket,
    enabled: hasTls,
    config: { tls: certificate, host: '0.0.0.0', port: 8084 },
    dependencies: { logger: 'logger' },
  },
})
