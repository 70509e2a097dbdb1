import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { ProtocolVersion } from '../../src/mqtt/protocol-version.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { connectPacket } from '../../test/helpers/connect-packet.ts'
import { ControlledAuthenticator } from '../../test/helpers/controlled-authenticator.ts'
import { HandlerHarness } from '../../test/helpers/handler-harness.ts'

let broker: HandlerHarness
let users: ControlledAuthenticator
beforeEach(() => {
  vi.useFakeTimers()
  users = new ControlledAuthenticator('users', { ann: 'pencil' })
  broker = new HandlerHarness({}, { authenticators: [users] })
})
afterEach(() => {
  broker.stop()
  vi.useRealTimers()
})

/** A client whose authentication is good for so long. */
const connected = (ms: number, version: ProtocolVersion = 5, clientId = 'kitchen') => {
  users.allows = { expiresAtMs: broker.broker.forClients.now() + ms }
  const client = broker.open(version)
  client.sent.push(...client.take(connectPacket({ clientId, username: 'ann', password: Buffer.from('pencil') })))
  return client
}

it.each([1_000, 3_600_000])('a connection ends %i ms later, when its authentication does', (ms) => {
  const client = connected(ms)
  expect(client.take()).toMatchObject([{ cmd: 'connack', reasonCode: 0 }])
  vi.advanceTimersByTime(ms - 1)
  expect(client.connection.open).toBe(true)
  vi.advanceTimersByTime(201)
  expect(client.take()).toMatchObject([{ cmd: 'disconnect', reasonCode: ReasonCode.MaximumConnectTime }])
  expect(client.connection.open).toBe(false)
  expect(broker.handler.counters.disconnectsByBroker[ReasonCode.MaximumConnectTime]).toBe(1)
  const line = broker.log.lines.at(-1)
  expect(line).toMatchObject({ level: 'info', client: 'kitchen', reason: 'Maximum connect time (0xA0)' })
})

it('a connection of MQTT 3.1.1 is closed', () => {
  const client = connected(1_000, 4)
  client.take()
  vi.advanceTimersByTime(1_200)
  expect([client.take(), client.connection.open]).toEqual([[], false])
})

it('a client whose authentication has expired already is refused', () => {
  for (const ms of [0, -1_000]) {
    expect(connected(ms).take()).toEqual([
      { cmd: 'connack', sessionPresent: false, reasonCode: ReasonCode.BadUserNameOrPassword },
    ])
  }
})

it.each([Number.POSITIVE_INFINITY, 1e300])('a client whose authentication expires at %d stays', (expiresAtMs) => {
  users.allows = { expiresAtMs }
  const client = broker.open()
  client.take(connectPacket({ username: 'ann', password: Buffer.from('pencil') }))
  vi.advanceTimersByTime(3_600_000)
  expect(client.connection.open).toBe(true)
})

it('a client that has left is no longer tracked, and hundreds at once end over several turns', async () => {
  const gone = connected(1_000, 5, 'gone')
  gone.lose()
  const clients = Array.from({ length: 500 }, (_, n) => connected(1_000, 5, `c${n}`))
  const { scheduler } = broker.core
  const turnsBefore = scheduler.turns
  vi.advanceTimersByTime(1_200)
  const open = () => clients.filter(({ connection }) => connection.open).length
  expect(open()).toBeGreaterThan(0)
  for (let turn = 0; turn < 100 && open() > 0; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve))
  expect(open()).toBe(0)
  expect(scheduler.turns).toBeGreaterThan(turnsBefore + 1)
  expect(broker.handler.counters.disconnectsByBroker[ReasonCode.MaximumConnectTime]).toBe(500)
})
