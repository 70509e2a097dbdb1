import type { Values } from './edits.ts'
import type { StoreName } from './protocol.ts'

/** The text of the config that the broker of a run has. @param store `none`: no listener but the crowd in memory. */
export const configSource = (values: Values, store: StoreName | 'none'): string => `
import { broker } from './components/broker/index.ts'
import { logger } from './components/logger/index.ts'
import { mqttDecoder } from './components/mqtt-decoder/index.ts'
import { mqttEncoder } from './components/mqtt-encoder/index.ts'
import { mqttHandler } from './components/mqtt-handler/index.ts'
import { packetLog } from './components/packet-log/index.ts'
import { router } from './components/router/index.ts'
import { server } from './components/server/index.ts'
${store === 'lmdb' ? lmdbImport : memoryImport}
import { topicRules } from './components/topic-rules/index.ts'
${store === 'none' ? crowdImport : listenerImports}
import { withFaultPoints } from './scripts/resets/fault-points.ts'

const values = ${JSON.stringify(values, undefined, 2)}

const entry = (name, component, dependencies = {}) => ({
  component: withFaultPoints(name, component),
  config: values[name],
  dependencies,
})
const log = { logger: 'logger' }

export default {
  logger: entry('logger', logger),
  router: entry('router', router),
  store: entry('store', store, log),
  topicRules: entry('topicRules', topicRules),
  broker: entry('broker', broker, { router: 'router', store: 'store', authorizers: ['topicRules'], ...log }),
  mqttDecoder: entry('mqttDecoder', mqttDecoder),
  packetLog: entry('packetLog', packetLog, log),
  mqttHandler: entry('mqttHandler', mqttHandler, {
    ...{ broker: 'broker', authenticators: [], authenticationMethods: [], ...log },
  }),
  mqttEncoder: entry('mqttEncoder', mqttEncoder),
${store === 'none' ? crowdEntry : listenerEntries}
  server: entry('server', server, { pipeline: ['mqttDecoder', 'packetLog', 'mqttHandler', 'mqttEncoder'], ...log }),
}
`

const lmdbImport = `import { lmdbStore as store } from './components/store-lmdb/index.ts'`
const memoryImport = `import { memoryStore as store } from './components/store-memory/index.ts'`

const listenerImports = `import { tls } from './components/tls/index.ts'
import { webSocket } from './components/web-socket/index.ts'`
const listenerEntries = `  tls: entry('tls', tls, log),
  webSocket: entry('webSocket', webSocket, log),`

const crowdImport = `import { memoryCrowd } from './scripts/resets/memory-crowd.ts'`
const crowdEntry = `  crowd: { component: memoryCrowd },`
