import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { HandlerHarness } from '../../test/helpers/handler-harness.ts'

let broker: HandlerHarness
beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  broker.stop()
  vi.useRealTimers()
})

describe('maximumKeepAliveSeconds', () => {
  beforeEach(() => {
    broker = new HandlerHarness({ maximumKeepAliveSeconds: 10 })
  })

  it.each([0, 600])('holds for an MQTT 5 client that asks for %i, which is told', (keepalive) => {
    const client = broker.connect({ keepalive })
    expect(client.connack).toMatchObject({ properties: { serverKeepAlive: 10 } })
    vi.advanceTimersByTime(16_000)
    expect(client.take()).toMatchObject([{ cmd: 'disconnect', reasonCode: 0x8d }])
  })

  it.each([
    [0, 1_000_000],
    [600, 890_000],
  ])('is nothing to a client of MQTT 3 that asks for %i: it cannot be told', (keepalive, silenceMs) => {
    for (const version of [3, 4] as const) {
      const client = broker.connect({ clientId: `v${version}`, keepalive }, version)
      vi.advanceTimersByTime(silenceMs)
      expect(client.connection.open).toBe(true)
    }
  })

  it.each([3, 4] as const)('leaves a client of MQTT %i its own Keep Alive', (version) => {
    const client = broker.connect({ keepalive: 600 }, version)
    vi.advanceTimersByTime(901_000)
    expect(client.connection.open).toBe(false)
  })
})
