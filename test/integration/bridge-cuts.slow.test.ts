/** A bridge under load: its connection is cut, and its broker is stopped and started. Nothing is lost, and QoS 2 comes once. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import type { LocalBroker } from '../../components/broker/local-broker.ts'
import type { Broker } from '../../src/kinds/broker.ts'
import { BridgeTraffic } from '../helpers/bridge-traffic.ts'
import { type BridgedBroker, type BridgeValues, carried, startBridged } from '../helpers/bridged-broker.ts'
import { CutProxy } from '../helpers/cut-proxy.ts'
import { eventually } from '../helpers/eventually.ts'
import { RealClient } from '../helpers/mqtt-js.ts'
import { startBroker } from '../helpers/start-broker.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

const CUTS = 20

const directory = (): string => {
  const path = mkdtempSync(join(tmpdir(), 'bridge-'))
  ends.push(() => rmSync(path, { recursive: true, force: true }))
  return path
}
const sessionOf = (broker: Broker, id: string) => (broker as LocalBroker).core.sessions.get(id)!
const client = async (port: number): Promise<RealClient> => {
  const connected = await RealClient.connect(port, 5)
  ends.push(() => connected.mqtt.end(true))
  return connected
}

/** A remote broker, and the values of a bridge to it through a proxy. */
const remoteSide = async (protocolVersion: '3.1.1' | '5.0') => {
  const remote = await startBroker()
  ends.push(() => remote.stop())
  const proxy = await CutProxy.start(remote.port)
  ends.push(() => proxy.stop())
  const values: BridgeValues = {
    servers: [`mqtt://127.0.0.1:${proxy.port}`],
    topics: [carried('up/#', 'out'), carried('down/#', 'in')],
    ...{ protocolVersion, clientId: 'the-bridge' },
  }
  return { remote, proxy, values }
}

it.each([
  { protocolVersion: '5.0', onDisk: false },
  { protocolVersion: '5.0', onDisk: true },
  { protocolVersion: '3.1.1', onDisk: false },
] as const)(
  'survives 20 cuts of a connection with MQTT $protocolVersion (on disk: $onDisk)',
  async ({ protocolVersion, onDisk }) => {
    const { remote, proxy, values } = await remoteSide(protocolVersion)
    const local = await startBridged({ bridge: values }, onDisk ? directory() : undefined)
    ends.push(() => local.stop())
    const [near, far, nearPublisher, farPublisher] = [
      ...[await client(local.port), await client(remote.port)],
      ...[await client(local.port), await client(remote.port)],
    ]
    await near!.mqtt.subscribeAsync('down/#', { qos: 2 })
    await far!.mqtt.subscribeAsync('up/#', { qos: 2 })
    const [up, down] = [new BridgeTraffic(nearPublisher!, far!, 'up'), new BridgeTraffic(farPublisher!, near!, 'down')]
    await local.connected('bridge')
    const publishing = [up.publish(), down.publish()]
    for (let cuts = 0; cuts < CUTS; cuts += 1) {
      const [upBefore, downBefore] = [up.published, down.published]
      await eventually(
        () => expect(Math.min(up.published - upBefore, down.published - downBefore)).toBeGreaterThan(20),
        1,
      )
      await eventually(() => expect(proxy.cut()).toBe(1), 1)
      await local.connected('bridge')
    }
    up.end()
    down.end()
    await Promise.all(publishing)
    await Promise.all([up.receiveAll(), down.receiveAll()])
    await nearPublisher!.mqtt.publishAsync('up/end', 'end', { qos: 2 })
    await farPublisher!.mqtt.publishAsync('down/end', 'end', { qos: 2 })
    await Promise.all([up.receiveUntil('end'), down.receiveUntil('end')])
    expect(up.twice).toEqual([])
    expect(down.twice).toEqual([])
    expect(proxy.connections).toBeGreaterThan(CUTS)
  },
)

it('survives restarts of its broker with a store on disk', async () => {
  const { remote, proxy, values } = await remoteSide('5.0')
  const path = directory()
  let local: BridgedBroker = await startBridged({ bridge: values }, path)
  ends.push(() => local.stop())
  const [far, farPublisher] = [await client(remote.port), await client(remote.port)]
  await far.mqtt.subscribeAsync('up/#', { qos: 2 })
  const sent: string[] = []
  for (let round = 0; round < 4; round += 1) {
    const near = await client(local.port)
    // The bridge is cut in the middle, so that messages are in flight and in the queue when its broker stops.
    for (let number = 0; number < 60; number += 1) {
      if (number === 30) {
        proxy.leadTo(1)
        proxy.cut()
      }
      const payload = `2 ${round} ${number}`
      await near.mqtt.publishAsync('up/a', payload, { qos: 2 })
      await farPublisher.mqtt.publishAsync('down/a', payload, { qos: 2 })
      sent.push(payload)
    }
    near.mqtt.end(true)
    await local.stop()
    proxy.leadTo(remote.port)
    local = await startBridged({ bridge: values }, path)
    await local.connected('bridge')
  }
  const got = (await far.take(sent.length)).map(({ payload }) => payload)
  expect(got.sort()).toEqual([...sent].sort())
})

it('does not lose messages when its broker forgot its session, and the remote broker did not', async () => {
  const { remote, proxy, values } = await remoteSide('5.0')
  let local: BridgedBroker = await startBridged({ bridge: values })
  ends.push(() => local.stop())
  const far = await client(remote.port)
  await far.mqtt.subscribeAsync('up/#', { qos: 2 })
  await local.connected('bridge')
  // The remote broker knows the Packet Identifiers of messages that were never released.
  const { unreleased } = sessionOf(remote.map.broker, 'the-bridge')
  for (let identifier = 1; identifier <= 20; identifier += 1) unreleased.add(identifier, undefined)
  await local.stop()
  local = await startBridged({ bridge: values })
  await local.connected('bridge')
  expect(proxy.connections).toBe(2)
  const near = await client(local.port)
  for (let number = 0; number < 20; number += 1) await near.mqtt.publishAsync('up/a', `${number}`, { qos: 2 })
  expect((await far.take(20)).map(({ payload }) => Number(payload))).toEqual(Array.from({ length: 20 }, (_, at) => at))
})

it('does not lose messages when the remote broker forgot its session', async () => {
  const { remote, proxy, values } = await remoteSide('5.0')
  const local = await startBridged({ bridge: values })
  ends.push(() => local.stop())
  await local.connected('bridge')
  const { unreleased } = sessionOf(local.map.broker, '$bridge/bridge')
  for (let identifier = 1; identifier <= 20; identifier += 1) unreleased.add(identifier, undefined)
  remote.map.broker.endSession('the-bridge')
  await eventually(() => expect(proxy.connections).toBe(2))
  await local.connected('bridge')
  expect(unreleased.size).toBe(0)
  const [near, far] = [await client(local.port), await client(remote.port)]
  await near.mqtt.subscribeAsync('down/#', { qos: 2 })
  for (let number = 0; number < 20; number += 1) await far.mqtt.publishAsync('down/a', `${number}`, { qos: 2 })
  expect((await near.take(20)).map(({ payload }) => Number(payload))).toEqual(Array.from({ length: 20 }, (_, at) => at))
})
