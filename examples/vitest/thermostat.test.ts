import { startTestBroker, type TestBroker } from 'mqtt-jig/testing'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startThermostat } from './thermostat.ts'

let broker: TestBroker
let thermostat: Awaited<ReturnType<typeof startThermostat>>
beforeEach(async () => {
  broker = await startTestBroker()
  thermostat = await startThermostat(broker.url, 20)
})
afterEach(async () => {
  await thermostat.stop()
  await broker.close()
})

test.each([
  ['18.5', 'on'],
  ['21', 'off'],
])('at %s degrees the heating is %s', async (temperature, state) => {
  const message = broker.next('heating/state')
  broker.publish('room/temperature', temperature)
  expect((await message).payload.toString()).toBe(state)
  expect(broker.retained('heating/#').map(({ payload }) => payload.toString())).toEqual([state])
})

test('subscribes to the temperature of the room', () => {
  const [{ id, session }] = broker.clients() as [ReturnType<typeof broker.clients>[number]]
  expect([id, session.subscriptions]).toEqual(['thermostat', [{ filter: 'room/temperature', qos: 1 }]])
})
