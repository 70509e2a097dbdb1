/** What a fake broker has: made up, and the same in each run. */

import type {
  Ban,
  CheckedPlan,
  ClientDetail,
  ComponentItem,
  Graph,
  GraphEdge,
  GraphNode,
  ListenerItem,
  Overview,
  Payload,
  PlannedPart,
  RetainedMessage,
  SessionDetail,
} from '../../../components/dashboard/app/contract.ts'

const STARTED_AT_MS = Date.now() - 93_784_000

export const fakeClients = (count: number): ClientDetail[] =>
  Array.from({ length: count }, (_, index) => ({
    id: `sensor-${`${index}`.padStart(5, '0')}`,
    ...(index % 7 > 0 && { userName: `plant-${index % 20}` }),
    address: `192.0.2.${index % 250}`,
    listener: index % 3 === 0 ? 'tls' : 'server',
    transport: index % 3 === 0 ? 'tls' : 'tcp',
    protocolVersion: index % 2 === 0 ? 5 : 4,
    connectedAtMs: Date.now() - index * 61_000,
    keepAliveSeconds: 60,
    pendingBytes: index % 10 === 0 ? 1_536 * index : 0,
    bytesReceived: 1_000 * index,
    subscriptions: 2,
    inflight: index % 4,
    waiting: index % 50 === 0 ? 1_200 : 0,
    session: {
      subscriptions: [
        { filter: `plant/${index % 20}/line/${index}/command`, qos: 1 },
        { filter: 'plant/+/alarm/#', qos: 0 },
      ],
      expiryIntervalSeconds: 3_600,
      inflight: index % 4,
      waiting: index % 50 === 0 ? 1_200 : 0,
      hasWill: index % 2 === 0,
    },
  }))

/** Sessions whose clients are not connected. */
export const fakeSessions = (count: number): SessionDetail[] =>
  Array.from({ length: count }, (_, index) => ({
    id: `meter-${`${index}`.padStart(4, '0')}`,
    ...(index % 3 > 0 && { userName: `plant-${index % 20}` }),
    connected: false,
    expiryIntervalSeconds: index % 10 === 0 ? 0xffffffff : 86_400,
    disconnectedAtMs: Date.now() - (index + 1) * 500_000,
    subscriptions: [{ filter: `plant/1/meter/${index}/command`, qos: 1 }],
    inflight: index % 4,
    waiting: index * 17,
    hasWill: index % 5 === 1,
  }))

export const payloadOf = (bytes: string | Uint8Array): Payload => {
  const buffer = Buffer.from(bytes as string)
  return {
    base64: buffer.toString('base64'),
    ...(typeof bytes === 'string' && { text: bytes }),
    bytes: buffer.length,
  }
}

export const fakeRetained = (): Map<string, RetainedMessage> => {
  const messages: [string, string | Uint8Array][] = [
    ['kitchen/temperature', '21.5'],
    ['kitchen/light', '{"on":true,"brightness":0.6,"scene":{"name":"evening","since":"2026-11-25T18:00:00Z"}}'],
    ['kitchen/camera/last', Uint8Array.from({ length: 300 }, (_, index) => index % 256)],
    ['/leading/empty/level', 'x'],
    ['a', 'a topic of one level'],
    [`long/${'level-with-a-long-name-that-goes-on-and-on/'.repeat(4)}end`, 'y'.repeat(5_000)],
    ...Array.from({ length: 450 }, (_, index): [string, string] => [`plant/1/line/${index}/count`, `${index * 17}`]),
  ]
  return new Map(
    messages.map(([topic, bytes], index) => [
      topic,
      {
        ...{ topic, payload: payloadOf(bytes), qos: index % 3 },
        ...(index % 5 === 0 && { expiresAtMs: Date.now() + 3_600_000 }),
      },
    ]),
  )
}

const component = (name: string, kind: string, more: Partial<ComponentItem> = {}): ComponentItem => ({
  ...{ name, kind, state: 'running', startMs: 1.5, blockedBy: [] },
  ...more,
})

export const fakeComponents = (): ComponentItem[] => [
  component('logger', 'Logger', { description: 'info to stdout' }),
  component('router', 'Router'),
  component('store', 'Store', { description: 'data', startMs: 48.2 }),
  component('passwordFile', 'Authenticator', { description: 'passwords' }),
  component('scramSha256', 'AuthenticationMethod', { state: 'disabled' }),
  component('topicRules', 'Authorizer', { description: '12 rules, else deny' }),
  component('broker', 'Broker'),
  component('mqttDecoder', 'PipelineStage'),
  component('trace', 'PipelineStage'),
  component('tracer', 'Tracer'),
  component('mqttHandler', 'PipelineStage'),
  component('mqttEncoder', 'PipelineStage'),
  component('tls', 'Transport', { description: '0.0.0.0:8883' }),
  component('webSocket', 'Transport', { description: 'ws 127.0.0.1:8083/mqtt' }),
  component('server', 'Listener', { description: '127.0.0.1:1883' }),
  component('http', 'HttpServer', { description: '127.0.0.1:18083' }),
  component('admin', 'Admin'),
  component('dashboard', 'Dashboard', { description: '/' }),
]

const VARIANTS: Readonly<Record<string, string>> = {
  mqttDecoder: 'decoder',
  mqttHandler: 'handler',
  mqttEncoder: 'encoder',
}

const edge = (from: string, to: string, role: string, index?: number): GraphEdge => ({
  ...{ from, to, role, index, active: true },
})

export const fakeGraph = (components: readonly ComponentItem[]): Graph => {
  const nodes = components.map(
    ({ name, kind, state, description, blockedBy, unready, error }): GraphNode => ({
      ...{ name, kind, variant: VARIANTS[name], description, enabled: state !== 'disabled', state, blockedBy },
      ...{ unready, error },
    }),
  )
  const edges = [
    edge('broker', 'router', 'router'),
    edge('broker', 'store', 'store'),
    edge('broker', 'topicRules', 'authorizers', 0),
    edge('mqttHandler', 'broker', 'broker'),
    edge('mqttHandler', 'passwordFile', 'authenticators', 0),
    edge('mqttHandler', 'scramSha256', 'authenticationMethods', 0),
    edge('server', 'mqttDecoder', 'pipeline', 0),
    edge('server', 'mqttHandler', 'pipeline', 1),
    edge('server', 'mqttEncoder', 'pipeline', 2),
    edge('server', 'tls', 'transports', 0),
    edge('server', 'webSocket', 'transports', 1),
    edge('admin', 'http', 'http'),
    edge('admin', 'broker', 'broker'),
    edge('admin', 'server', 'listener'),
    edge('admin', 'tracer', 'tracer'),
    edge('trace', 'tracer', 'tracer'),
    edge('server', 'trace', 'pipeline', 3),
    edge('dashboard', 'http', 'http'),
    ...['store', 'passwordFile', 'broker', 'mqttHandler', 'tls', 'webSocket', 'server', 'http', 'admin'].map((name) =>
      edge(name, 'logger', 'logger'),
    ),
  ]
  return { nodes, edges: edges.map((each) => ({ ...each, active: each.to !== 'scramSha256' })) }
}

const CHANGES: Readonly<Record<string, Pick<PlannedPart, 'verdict' | 'reasons'>>> = {
  logger: { verdict: 'adjust', reasons: ['config.level'] },
  topicRules: { verdict: 'adjust', reasons: ['rules.txt'] },
  mqttHandler: { verdict: 'swap', reasons: ['publish.ts', 'topicRules is adjusted'] },
  server: { verdict: 'adjust', reasons: ['mqttHandler is swapped'] },
  admin: { verdict: 'restart', reasons: ['config.tokens: it has no adjust', 'server is adjusted'] },
  webSocket: { verdict: 'stop', reasons: ['it is not in the config'] },
}

/** A reload that does everything that a reload can do. */
export const fakePlan = (components: readonly ComponentItem[]): CheckedPlan => ({
  parts: [
    ...components
      .filter(({ state }) => state !== 'disabled')
      .map(({ name, kind }) => ({ name, kind, ...(CHANGES[name] ?? { verdict: 'keep' as const, reasons: [] }) })),
    { name: 'unixSocket', kind: 'Transport', verdict: 'start', reasons: ['it is new in the config'] },
  ],
  connections: [
    { listener: 'server', keptUntouched: 0, repiped: 667, closed: 0 },
    { listener: 'tls', keptUntouched: 333, repiped: 0, closed: 0 },
    { listener: 'webSocket', keptUntouched: 0, repiped: 0, closed: 2 },
  ],
  refusals: [],
})

/** The plan when nothing has changed. */
export const fakeEmptyPlan = (components: readonly ComponentItem[]): CheckedPlan => ({
  parts: components.map(({ name, kind }) => ({ name, kind, verdict: 'keep', reasons: [] })),
  connections: [{ listener: 'server', keptUntouched: 1_000, repiped: 0, closed: 0 }],
  refusals: [],
})

export const fakeListeners = (): ListenerItem[] => [
  { name: 'server', transport: 'tcp', address: '127.0.0.1:1883', connections: 667 },
  { name: 'tls', transport: 'tls', address: '0.0.0.0:8883', connections: 333, certificateDays: 62 },
  { name: 'webSocket', transport: 'wss', address: '127.0.0.1:8083', connections: 0, certificateDays: 5.4 },
  { name: 'oldTls', transport: 'tls', address: '127.0.0.1:8884', connections: 0, certificateDays: -3 },
]

export const fakeBans = (): Ban[] => [
  { address: '198.51.100.7', untilMs: Date.now() + 3_000_000, byOperator: false },
  { address: '2001:db8:0:0::/64', untilMs: Date.now() + 86_400_000, byOperator: true },
]

/** The overview at a second, with counters that grow. */
export const fakeOverview = (second: number, clients: number, retained: number): Overview => ({
  version: '0.1.0',
  nodeVersion: 'v20.20.2',
  startedAtMs: STARTED_AT_MS,
  uptimeSeconds: (Date.now() - STARTED_AT_MS) / 1000,
  state: 'running',
  clients,
  sessions: clients + 120,
  subscriptions: clients * 2,
  retained,
  eventLoop: { p50Ms: 0.4, p99Ms: 1.8 + Math.sin(second / 5), maxMs: 11.2 + 4 * Math.sin(second / 7) },
  memory: { rssBytes: 182 * 1024 ** 2 + second * 1_000, heapUsedBytes: 64 * 1024 ** 2 },
  counters: {
    'server.draining': 0,
    'broker.retained_memory': 40_000,
    'server.received': growing(second, 1_800_000),
    'server.sent': growing(second, 9_700_000),
    'server.refused': Math.floor(second / 20),
    'mqttHandler.received{type="PUBLISH"}': growing(second, 12_000),
    'mqttHandler.sent{type="PUBLISH"}': growing(second, 48_000),
    'mqttHandler.received_publish{qos="0"}': growing(second, 9_000),
    'mqttHandler.received_publish{qos="1"}': growing(second, 3_000),
    'mqttHandler.sent_publish{qos="0"}': growing(second, 41_000),
    'mqttHandler.sent_publish{qos="1"}': growing(second, 7_000),
    'mqttHandler.dropped': 0,
    'broker.dropped': 0,
  },
})

/** A counter that grows by about `rate` a second, in waves. */
const growing = (second: number, rate: number): number => Math.round(rate * (second + 3 * Math.sin(second / 9)))
