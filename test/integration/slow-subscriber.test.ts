import { afterEach, beforeEach, expect, it } from 'vitest'
import type { MqttHandler } from '../../components/mqtt-handler/mqtt-handler.ts'
import { RawClient } from '../helpers/raw-client.ts'
import { type Broker, quietSystem, startBroker } from '../helpers/start-broker.ts'

let broker: Broker
beforeEach(async () => {
  const config = { port: 0, maximumPendingBytes: 256 * 1024 }
  broker = await startBroker({ ...quietSystem, server: { ...quietSystem.server, config } })
})
afterEach(() => broker.stop())

const connected = async (...hex: string[]) => {
  const client = await RawClient.connect(broker.port)
  client.send('100c 00044d515454 04 02 0000 0000', ...hex)
  expect(await client.frame()).toBe('20020000')
  return client
}
const subscribed = async () => {
  const client = await connected('8206 0001 0001 61 00')
  expect(await client.frame()).toBe('9003000100')
  return client
}

it('does not delay other subscribers, which get every message, and gets the messages that were not dropped, in whole packets', async () => {
  const frame = Buffer.concat([Buffer.from('3083c0020001', 'hex'), Buffer.from('a'), Buffer.alloc(40_960, 'x')])
  const handler = broker.map.mqttHandler as MqttHandler
  const [publisher, reader, frozen] = await Promise.all([connected(), subscribed(), subscribed()])
  frozen.socket.pause()
  let sent = 0
  // How much the operating systems hold for a peer before we notice differs; 64 MiB is more than any.
  while (handler.counters.droppedQoS0 < 20 && sent < 1_600) {
    publisher.socket.write(frame)
    sent++
    expect((await reader.receive(frame.length)).length).toBe(2 * frame.length)
  }
  expect(handler.counters.droppedQoS0).toBe(20)

  // Once it has read what waits for it, it is as good as any other.
  frozen.socket.resume()
  frozen.send('c000')
  for (let n = 0; n < sent - handler.counters.droppedQoS0; n++)
    expect(await frozen.receive(frame.length)).toBe(frame.toString('hex'))
  expect(await frozen.frame()).toBe('d000')
  publisher.send('3004 0001 61 78')
  expect(await frozen.frame()).toBe('300400016178')
})
