import { setImmediate } from 'node:timers/promises'
import { expect, it } from 'vitest'
import type { ClientFinish, ClientListener } from '../../src/kinds/client-listener.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { clientInfo, FakeBroker } from '../../test/helpers/fake-broker.ts'
import { RecordingLogger } from '../../test/helpers/recording-logger.ts'
import { ClientEvents } from './client-events.ts'
import { sysTopicsConfig } from './config.ts'

const begin = (config: object = {}) => {
  const broker = new FakeBroker()
  const logger = new RecordingLogger()
  const events = new ClientEvents(sysTopicsConfig.parse({ clientEvents: true, ...config }), { broker, logger })
  const [added] = broker.clientListeners
  const listener = added!.listener as Required<ClientListener>
  const published = () =>
    broker.published.map(({ topic, payload, qos, retain }) => ({
      topic,
      qos,
      retain,
      ...(JSON.parse(payload.toString()) as object),
    }))
  return { broker, logger, events, listener, published }
}

const start = { cleanStart: true, sessionPresent: false, expiryIntervalSeconds: 30 }
const finish = (fields: Partial<ClientFinish>): ClientFinish => ({
  ...{ by: 'client', reasonCode: undefined, why: '' },
  ...fields,
})

it('publishes each client that connects and disconnects as JSON, neither retained nor at a higher QoS', async () => {
  const { listener, published } = begin({ node: 'home' })
  const client = clientInfo('kitchen', { userName: 'bob', connectedAtMs: 1_700_000_000_000.25 })
  listener.connected(client, start)
  listener.disconnected(client, finish({ by: 'client', reasonCode: 0 }))
  await setImmediate()
  const common = {
    ...{ clientid: 'kitchen', username: 'bob', ipaddress: '127.0.0.1', protocol: 'mqtt', proto_name: 'MQTT' },
    ...{ proto_ver: 5, connected_at: 1_700_000_000_000, ts: expect.any(Number), qos: 0, retain: false },
  }
  expect(published()).toEqual([
    {
      ...common,
      topic: '$SYS/brokers/home/clients/kitchen/connected',
      keepalive: 60,
      clean_start: true,
      expiry_interval: 30,
      session_present: false,
      connack: 0,
    },
    {
      ...common,
      topic: '$SYS/brokers/home/clients/kitchen/disconnected',
      disconnected_at: expect.any(Number),
      reason: 'normal',
      reason_code: 0,
    },
  ])
})

it.each([
  [{ by: 'network' }, 'tcp_closed'],
  [{ by: 'client', reasonCode: ReasonCode.DisconnectWithWillMessage }, 'disconnect_with_will_message'],
  [{ by: 'broker', reasonCode: ReasonCode.KeepAliveTimeout }, 'keepalive_timeout'],
  [{ by: 'broker', reasonCode: ReasonCode.SessionTakenOver }, 'takenover'],
  [{ by: 'broker', reasonCode: ReasonCode.AdministrativeAction }, 'kicked'],
  [{ by: 'broker', reasonCode: ReasonCode.NotAuthorized }, 'not_authorized'],
  [{ by: 'client', reasonCode: 0xf7 }, 'undefined_reason_code'],
] as const)('the reason of %o is %s', async (fields, reason) => {
  const { listener, published } = begin()
  listener.disconnected(clientInfo('a'), finish(fields))
  await setImmediate()
  expect(published()).toMatchObject([{ reason }])
})

it.each([
  ['a/b', 'a%2Fb'],
  ['+/#', '%2B%2F%23'],
  ['100%', '100%25'],
  ['küche', 'küche'],
  ['x'.repeat(65_000), 'x'.repeat(512)],
  [`${'x'.repeat(511)}🙂`, 'x'.repeat(511)],
])('the Client Identifier %s is one level of the topic', async (id, level) => {
  const { listener, published } = begin()
  listener.connected(clientInfo(id), start)
  await setImmediate()
  expect(published()).toMatchObject([
    { topic: `$SYS/brokers/mqtt-jig@127.0.0.1/clients/${level}/connected`, clientid: id },
  ])
})

it('publishes many events over several turns, in their order', async () => {
  const { listener, events, published } = begin()
  for (let index = 0; index < 500; index += 1) listener.connected(clientInfo(`${index}`), start)
  expect([events.waiting, events.published]).toEqual([500, 0])
  await setImmediate()
  expect([events.waiting, events.published]).toEqual([300, 200])
  while (events.waiting > 0) await setImmediate()
  expect(published().map((event) => (event as { clientid?: string }).clientid)).toEqual(
    Array.from({ length: 500 }, (_, index) => `${index}`),
  )
})

it('drops and counts what finds no room, and logs that once', async () => {
  const { listener, events, logger } = begin({ maximumWaitingEvents: 2 })
  for (let index = 0; index < 5; index += 1) listener.connected(clientInfo(`${index}`), start)
  expect(events.dropped).toBe(3)
  expect(logger.at('warn')).toMatchObject([{ message: expect.stringContaining('maximumWaitingEvents'), waiting: 2 }])
  await setImmediate()
  listener.connected(clientInfo('later'), start)
  await setImmediate()
  expect([events.published, events.waiting]).toEqual([3, 0])
})

it('an event that cannot be published is logged, and the others follow', async () => {
  const { broker, listener, events, logger } = begin()
  broker.publish = (message) => {
    if (message.topic.includes('bad')) throw new Error('refused')
    return { reasonCode: ReasonCode.Success, subscribers: 0 }
  }
  for (const id of ['bad', 'good']) listener.connected(clientInfo(id), start)
  await setImmediate()
  expect([events.published, logger.at('error').length]).toEqual([1, 1])
})

it('stops: no event is taken or published any more', async () => {
  const { broker, listener, events } = begin()
  listener.connected(clientInfo('a'), start)
  events.stop()
  await setImmediate()
  expect([broker.published, broker.clientListeners.size, events.waiting]).toEqual([[], 0, 0])
})
