import { describe, expect, it } from 'vitest'
import { peerAt } from '../../test/helpers/peer-at.ts'
import { RecordingLogger } from '../../test/helpers/recording-logger.ts'
import { AddressLimits } from './address-limits.ts'
import { serverConfig } from './config.ts'
import { newCounters } from './counters.ts'

let nowMs = 0
const started = (config: object) => {
  nowMs = 0
  const counters = newCounters()
  const log = new RecordingLogger()
  return { limits: new AddressLimits(serverConfig.parse(config), counters, log, [], () => nowMs), counters, log }
}
const client = peerAt('192.0.2.7:5123')
const local = peerAt('127.0.0.1:5123')
const unix = { ...local, address: '', port: 0, transport: 'unix' }
const refusal = (limits: AddressLimits, peer = client) => limits.refusal(peer, limits.keyOf(peer))

describe('the limits of an address', () => {
  it('let a router through behind which 1,000 devices come back three times in a row', () => {
    const { limits } = started({})
    const key = limits.keyOf(client)
    for (let round = 0; round < 3; round += 1) {
      for (let device = 0; device < 1_000; device += 1) {
        expect(limits.refusal(client, key)).toBeUndefined()
        expect(limits.isFull(key)).toBe(false)
        limits.opened(key)
      }
    }
    expect(limits.connected).toBe(1)
  })

  it('are half of maximumConnections unless the config says otherwise', () => {
    expect(started({}).limits.maximumConnections).toBe(25_000)
    expect(started({ maximumConnections: 3 }).limits.maximumConnections).toBe(2)
    expect(started({ maximumConnectionsPerAddress: 7 }).limits.maximumConnections).toBe(7)
  })

  it('count connections that end again', () => {
    const { limits } = started({ maximumConnectionsPerAddress: 2 })
    for (const _ of [1, 2]) limits.opened('192.0.2.7')
    expect([limits.isFull('192.0.2.7'), limits.isFull('192.0.2.8')]).toEqual([true, false])
    for (const _ of [1, 2]) limits.ended('192.0.2.7')
    expect([limits.isFull('192.0.2.7'), limits.connected]).toEqual([false, 0])
  })

  it('hold for all addresses of a network of IPv6 together', () => {
    const { limits } = started({ connectRate: 1, connectBurst: 2 })
    const from = (host: number) => refusal(limits, { ...client, address: `2001:db8:1:2::${host}` })
    expect([from(1), from(2), from(3)]).toEqual([undefined, undefined, 'connectRate'])
    expect(refusal(limits, { ...client, address: '2001:db8:1:3::1' })).toBeUndefined()
  })

  it('are none for addresses of the machine itself, for a Unix socket, and for unlimitedAddresses', () => {
    const { limits } = started({ connectRate: 1, connectBurst: 1, banAfterFailures: 1 })
    for (const peer of [local, unix, { ...local, address: '::ffff:127.0.0.1' }, { ...local, address: '::1' }]) {
      limits.failedAuthentication(peer)
      for (const _ of [1, 2, 3]) expect(refusal(limits, peer)).toBeUndefined()
      limits.opened(limits.keyOf(peer))
    }
    expect([limits.connected, limits.banCount]).toEqual([0, 0])
    const other = started({ connectRate: 1, connectBurst: 1, unlimitedAddresses: ['192.0.2.0/24'] }).limits
    expect([refusal(other), refusal(other), refusal(other, local), refusal(other, local)]).toEqual([
      ...[undefined, undefined, undefined],
      'connectRate',
    ])
  })

  it('may be switched off', () => {
    const { limits, counters } = started({ connectRate: null, banAfterFailures: null })
    for (let count = 0; count < 10_000; count += 1) {
      limits.failedAuthentication(client)
      expect(refusal(limits)).toBeUndefined()
    }
    expect([counters.failedAuthentications, counters.bans]).toEqual([10_000, 0])
  })
})

describe('an address whose clients fail to authenticate', () => {
  it('is banned for some time, twice as long each time; others are not', () => {
    const { limits, counters, log } = started({ banAfterFailures: 3, banSeconds: 10, maximumBanSeconds: 15 })
    const fail = () => {
      for (const _ of [1, 2, 3]) limits.failedAuthentication(client)
    }
    fail()
    expect([refusal(limits), limits.isBanned(client), limits.isBanned(peerAt('192.0.2.8:1'))]).toEqual([
      'banned',
      true,
      false,
    ])
    expect(limits.bans()).toEqual([{ address: '192.0.2.7', untilMs: 10_000, byOperator: false }])
    // Those that were connected before go on to fail.
    fail()
    nowMs = 10_000
    expect([refusal(limits), limits.isBanned(client)]).toEqual([undefined, false])
    fail()
    nowMs = 24_999
    expect(refusal(limits)).toBe('banned')
    nowMs = 25_000
    expect(refusal(limits)).toBeUndefined()
    expect(counters).toMatchObject({ failedAuthentications: 9, bans: 2 })
    expect(log.at('warn').map(({ message }) => message)).toEqual([
      'Address banned for 10 s: 192.0.2.7: its clients failed to authenticate again and again, the last one from 192.0.2.7:5123. ' +
        "unban('192.0.2.7') ends the ban; an address in unlimitedAddresses is never banned",
    ])
  })

  it('is not banned while it fails seldom', () => {
    const { limits } = started({ banAfterFailures: 3, failureDecaySeconds: 30 })
    for (let count = 0; count < 100; count += 1) {
      nowMs = count * 30_000
      limits.failedAuthentication(client)
    }
    expect(limits.banCount).toBe(0)
  })

  it('is free again when an operator ends the ban, and its failures are forgotten', () => {
    const { limits } = started({ banAfterFailures: 2 })
    for (const _ of [1, 2]) limits.failedAuthentication(client)
    expect([limits.unban('192.0.2.7'), limits.unban('192.0.2.7'), refusal(limits)]).toEqual([true, false, undefined])
    limits.failedAuthentication(client)
    limits.unban('192.0.2.7')
    limits.failedAuthentication(client)
    expect(limits.banCount).toBe(0)
  })
})

it('an operator can ban an address that has no limits', () => {
  const { limits, log } = started({})
  limits.ban('127.0.0.1', 60)
  expect([refusal(limits, local), limits.isBanned(local), refusal(limits)]).toEqual(['banned', true, undefined])
  expect(limits.unban('127.0.0.1')).toBe(true)
  expect(limits.isBanned(local)).toBe(false)
  expect(log.at('info').map(({ message }) => message)).toEqual([
    'Address banned by an operator for 60 s: 127.0.0.1',
    'Ban ended by an operator: 127.0.0.1',
  ])
})
