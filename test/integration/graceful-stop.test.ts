import { afterEach, describe, expect, it } from 'vitest'
import { packetBytes } from '../helpers/packet-bytes.ts'
import { RawClient } from '../helpers/raw-client.ts'
import { type Broker, quietSystem, startBroker } from '../helpers/start-broker.ts'

let broker: Broker | undefined
afterEach(async () => {
  await broker?.stop()
  broker = undefined
})

/** Long enough that a test which waits for it fails. */
const drainMs = 300_000

const start = async (config: object, system: object = {}) => {
  const server = { ...quietSystem.server, config: { ...quietSystem.server.config, ...config } }
  broker = await startBroker({ ...quietSystem, ...system, server: { ...server, stopDeadlineMs: 600_000 } })
  return broker
}
/** A client of MQTT 5 that is connected. */
const connect = async ({ port }: Broker, id: string) => {
  const client = await RawClient.connect(port)
  client.socket.write(packetBytes(`10 @ "MQTT" 05 02 0000 [] "${id}"`))
  expect(await client.frame()).toMatch(/^20..0000/)
  return client
}
const send = (client: RawClient, packet: string) => client.socket.write(packetBytes(packet))
/** DISCONNECT with its Reason Code. */
const disconnect = (reasonCode: string) => expect.stringMatching(new RegExp(`^e0..${reasonCode}`))

describe('a broker that stops', () => {
  it('ends clients at once that have nothing under way, and waits for an acknowledgement of the others', async () => {
    const running = await start({ drainMs })
    const [subscriber, idle] = [await connect(running, 'subscriber'), await connect(running, 'idle')]
    send(subscriber, '82 @ 0001 [] "a" 01')
    expect(await subscriber.frame()).toBe('900400010001')
    running.map.broker.publish({ topic: 'a', payload: 'x', qos: 1 })
    const publish = await subscriber.frame()
    expect(publish).toMatch(/^32/)
    const { server } = running.map
    expect(server.draining).toBe(false)
    const stopped = running.stop()
    expect(await idle.frame()).toEqual(disconnect('8b'))
    expect(server.draining).toBe(true)
    // It is still served.
    send(subscriber, 'c0 00')
    expect(await subscriber.frame()).toBe('d000')
    send(subscriber, `40 @ ${publish.slice(-8, -4)}`)
    expect(await subscriber.frame()).toEqual(disconnect('8b'))
    await Promise.all([subscriber.closed, idle.closed, stopped])
    broker = undefined
  })

  it('ends a client at the deadline that acknowledges nothing', async () => {
    const running = await start({ drainMs: 30 })
    const subscriber = await connect(running, 'subscriber')
    send(subscriber, '82 @ 0001 [] "a" 01')
    await subscriber.frame()
    running.map.broker.publish({ topic: 'a', payload: 'x', qos: 1 })
    await subscriber.frame()
    const stopped = running.stop()
    expect(await subscriber.frame()).toEqual(disconnect('8b'))
    await stopped
    broker = undefined
  })

  it('tells its clients which server to use, if the config names one', async () => {
    const shutdownReference = { server: 'other.example', moved: true }
    const mqttHandler = { ...quietSystem.mqttHandler, config: { shutdownReference } }
    const running = await start({ drainMs }, { mqttHandler })
    const client = await connect(running, 'client')
    const stopped = running.stop()
    const name = Buffer.from('other.example').toString('hex')
    expect(await client.frame()).toBe(`e0129d101c000d${name}`)
    await stopped
    broker = undefined
  })
})
