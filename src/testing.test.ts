import { connectAsync } from 'mqtt'
import { expect, test } from 'vitest'
import { startTestBroker } from './testing.ts'

test('a broker for tests has a free port of 127.0.0.1 and its url', async () => {
  await using broker = await startTestBroker()
  expect(broker.url).toBe(`mqtt://127.0.0.1:${broker.port}`)
  const client = await connectAsync(broker.url, { reconnectPeriod: 0 })
  expect(broker.clients()).toHaveLength(1)
  await client.endAsync()
})

test('next is the next message that a filter matches, and no later one', async () => {
  await using broker = await startTestBroker()
  const message = broker.next('a/+')
  const other = broker.next('b')
  broker.publish('a', 'no match')
  broker.publish('a/1', 'first')
  broker.publish('a/2', 'second')
  expect((await message).payload.toString()).toBe('first')
  broker.publish('b')
  expect((await other).topic).toBe('b')
  expect(broker.publish('a/3')).toMatchObject({ subscribers: 0 })
  await expect(broker.next('a/#/b')).rejects.toThrow(TypeError)
})

test('the options are those of createBroker', async () => {
  await using broker = await startTestBroker({ config: { server: { maximumConnections: 1 } } })
  const client = await connectAsync(broker.url, { reconnectPeriod: 0 })
  await expect(connectAsync(broker.url, { reconnectPeriod: 0 })).rejects.toThrow()
  await client.endAsync()
})
