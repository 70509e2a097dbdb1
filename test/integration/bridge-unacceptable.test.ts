/** A message of the remote broker that is larger than a bridge takes, which MQTT 3.1.1 cannot tell it. */

import { afterEach, expect, it } from 'vitest'
import { z } from 'zod'
import { Logger } from '../../src/kinds/logger.ts'
import { defineComponent } from '../../src/system/define-system.ts'
import { carried, startBridged } from '../helpers/bridged-broker.ts'
import { eventually } from '../helpers/eventually.ts'
import { RealClient } from '../helpers/mqtt-js.ts'
import { RecordingLogger } from '../helpers/recording-logger.ts'
import { startBroker } from '../helpers/start-broker.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})
const client = async (port: number): Promise<RealClient> => {
  const connected = await RealClient.connect(port, 5)
  ends.push(() => connected.mqtt.end(true))
  return connected
}

it.each([1, 2] as const)('at QoS %i is dropped after maximumSendAttempts connections; the others come', async (qos) => {
  const remote = await startBroker()
  ends.push(() => remote.stop())
  const topics = [carried('#', 'in')]
  const values = {
    maximumPacketSize: 1_024,
    maximumSendAttempts: 2,
    tryPrivate: false,
    protocolVersion: '3.1.1',
  } as const
  const log = new RecordingLogger()
  const up = { servers: [`mqtt://127.0.0.1:${remote.port}`], topics, clientId: 'up', ...values }
  const local = await startBridged({ up }, undefined, { logger: { component: loggerOf(log) } })
  ends.push(() => local.stop())
  await local.connected('up')
  const [near, far] = [await client(local.port), await client(remote.port)]
  await near.mqtt.subscribeAsync('#', { qos: 2 })
  for (const payload of ['1', 'x'.repeat(100_000), '2']) await far.mqtt.publishAsync('a', payload, { qos })
  const got: string[] = []
  while (!got.includes('2')) got.push((await near.next()).payload)
  expect([...new Set(got)]).toEqual(['1', '2'])
  const { counters } = local.bridge('up')
  expect([counters.unacceptable, counters.failures]).toEqual([1, 2])
  const [line] = log.lines.filter(({ message }) => message.startsWith('Message for bridge up dropped'))
  expect(line).toMatchObject({ topic: 'a', size: expect.any(Number) })
  await eventually(() => expect(remote.map.broker.session('up')?.inflight).toBe(0))
})

/** A component that gives this logger. */
const loggerOf = (log: Logger) =>
  defineComponent({ provides: Logger, needs: {}, config: z.strictObject({}), start: () => log })
