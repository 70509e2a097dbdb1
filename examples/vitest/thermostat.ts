/** A device as an example of a program under test: it switches the heating by the temperature that it receives. */
import { connectAsync } from 'mqtt'

export const startThermostat = async (url: string, limit: number) => {
  const client = await connectAsync(url, { clientId: 'thermostat' })
  client.on('message', (_topic, payload) => {
    client.publish('heating/state', Number(payload.toString()) < limit ? 'on' : 'off', { qos: 1, retain: true })
  })
  await client.subscribeAsync('room/temperature', { qos: 1 })
  return { stop: () => client.endAsync() }
}
