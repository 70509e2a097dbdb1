import { type IClientOptions, type MqttClient, connect as open } from 'mqtt'
import { afterEach, describe, expect, it } from 'vitest'
import { createSystem } from '../../src/system/lifecycle.ts'
import { quietSystem } from '../helpers/start-broker.ts'

const create = (suspended?: Parameters<typeof createSystem>[1]) => createSystem(quietSystem, suspended)

describe('a reset', () => {
  let system: ReturnType<typeof create>
  const clients: MqttClient[] = []
  afterEach(async () => {
    for (const client of clients.splice(0)) await client.endAsync(true)
    await system.stop()
  })
  /** A client with its messages, as they come. */
  const connect = async (options: IClientOptions) => {
    const { port } = system.map.server
    const messages: string[] = []
    let arrived = () => {}
    const client = open({ host: '127.0.0.1', port, reconnectPeriod: 0, ...options })
    clients.push(client)
    // Before CONNACK has come: the first message may come with it.
    client.on('message', (topic, payload, { retain }) => {
      messages.push(`${topic} ${payload}${retain ? ' retained' : ''}`)
      arrived()
    })
    await new Promise((resolve) => client.once('connect', resolve))
    const got = async (count: number) => {
      while (messages.length < count) await new Promise<void>((resolve) => (arrived = resolve))
      return messages
    }
    return { client, got }
  }

  it('keeps sessions, messages that wait and retained messages', async () => {
    system = create()
    await system.start()
    const away = { clientId: 'away', clean: false, protocolVersion: 4 } as const
    const { client } = await connect(away)
    await client.subscribeAsync({ 'a/+': { qos: 2 } })
    await client.endAsync()
    const publisher = await connect({ clientId: 'publisher' })
    await publisher.client.publishAsync('a/1', 'one', { qos: 1 })
    await publisher.client.publishAsync('a/2', 'two', { qos: 2, retain: true })

    const suspended = await system.suspend()
    expect(suspended.errors).toEqual([])
    system = create({ suspended })
    await system.start()
    expect(system.map.store).toMatchObject({ counts: { sessions: 1, subscriptions: 1, queued: 2, retained: 1 } })

    const { got } = await connect(away)
    expect(await got(2)).toEqual(['a/1 one', 'a/2 two'])
    const late = await connect({ clientId: 'late' })
    await late.client.subscribeAsync('a/#')
    expect(await late.got(1)).toEqual(['a/2 two retained'])
  })
})
