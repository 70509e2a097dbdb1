import { describe, expect, it } from 'vitest'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { RawClient } from '../helpers/raw-client.ts'
import { arena } from './arena.ts'

describe('a flood of connections', () => {
  const attack = arena({ server: { unlimitedAddresses: [], connectRate: 0.001, connectBurst: 21 } })

  it('from one address is cut off before a byte is read, and clients that are connected are served', async () => {
    // The bystander has taken one of them.
    const clients = await Promise.all(Array.from({ length: 60 }, () => RawClient.connect(attack.broker.port)))
    for (const client of clients) client.send('c000')
    await expect.poll(() => attack.broker.map.server.counters.refusedByRate).toBe(40)
    await attack.bystanderIsServed()
    for (const client of clients) client.socket.destroy()
    await Promise.all(clients.map(({ closed }) => closed))
    expect(attack.broker.map.server.counters.accepted).toBe(21)
  })
})

describe('half-open connections', () => {
  const attack = arena({ server: { unlimitedAddresses: [], maximumConnectionsPerAddress: 11 } })

  it('of one address take a limited number of places, and give them back', async () => {
    const { server } = attack.broker.map
    const clients = await Promise.all(Array.from({ length: 30 }, () => RawClient.connect(attack.broker.port)))
    await expect.poll(() => server.counters.refusedByAddress).toBe(20)
    expect(server.connections).toBe(11)
    await attack.bystanderIsServed()
    for (const client of clients) client.socket.destroy()
    await expect.poll(() => server.connections).toBe(1)
  })
})

describe('an address that is banned', () => {
  const attack = arena()

  it('gets no further connection, and keeps those that it has; a CONNECT on one that was open is refused', async () => {
    const { server } = attack.broker.map
    const open = await RawClient.connect(attack.broker.port)
    await expect.poll(() => server.connections).toBe(2)
    server.ban('127.0.0.1', 60)
    const refused = await RawClient.connect(attack.broker.port)
    await refused.closed
    // CONNACK Banned (0x8A).
    expect(await open.send('100d 0004 4d515454 05 02 003c 00 0000').receive(5)).toBe(
      `200300${ReasonCode.Banned.toString(16)}00`,
    )
    await open.closed
    await attack.bystanderIsServed()
    expect(server.unban('127.0.0.1')).toBe(true)
  })
})

describe('a publisher that floods', () => {
  const attack = arena({ handler: { maximumPublishRate: 100 }, server: {} })

  it('is read at the rate that it may have: nothing is dropped, and others are served', async () => {
    const attacker = await attack.connected(5)
    const publishes = Array.from({ length: 150 }, () => '3005 0001 61 00 78'.replaceAll(' ', ''))
    attacker.send(publishes.join(''))
    const { mqttHandler } = attack.broker.map as unknown as {
      mqttHandler: { rates: { slowed: number }; counters: { publishesIn: Float64Array } }
    }
    await expect.poll(() => mqttHandler.rates.slowed).toBe(1)
    expect(mqttHandler.counters.publishesIn[0]).toBeLessThan(150)
    await attack.bystanderIsServed()
    await expect.poll(() => mqttHandler.counters.publishesIn[0], { timeout: 10_000 }).toBe(150)
  })
})
