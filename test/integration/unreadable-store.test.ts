import type { Packet } from 'mqtt-packet'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { OpenStore } from '../../components/store-lmdb/open-store.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { connectPacket } from '../helpers/connect-packet.ts'
import { HandlerHarness, payloads, persistent, publishPacket, subscribePacket } from '../helpers/handler-harness.ts'
import { failReads, lmdbUnderTest } from '../helpers/lmdb-under-test.ts'

const { create, reopen, dispose } = lmdbUnderTest({}, 1)

let store: OpenStore
let broker: HandlerHarness
const start = async () => {
  broker = new HandlerHarness({ maximumInflight: 4 }, { store })
  await broker.core.restore()
}
beforeEach(async () => {
  store = await create()
  await start()
})
afterEach(async () => {
  broker.stop()
  await dispose!(store)
})
/** The process ends, and another begins. */
const restart = async () => {
  broker.stop()
  await store.flush()
  store = await reopen!(store)
  await start()
  await store.flush()
}
const publish = async (...texts: string[]) => {
  const publisher = broker.open()
  publisher.take(connectPacket({ clientId: 'publisher' }))
  for (const text of texts) publisher.take(publishPacket({ qos: 1, payload: Buffer.from(text) }))
  await store.flush()
}
const connect = async () => {
  const client = broker.open()
  const packets = client.take(connectPacket(persistent('subscriber')))
  await store.flush()
  return { client, packets: [...packets, ...client.take()] }
}
const refused = [{ cmd: 'connack', reasonCode: ReasonCode.ServerUnavailable }]
const published = (packets: readonly Packet[]) => packets.filter(({ cmd }) => cmd === 'publish')

it('messages that wait in a file that LMDB has given up are delivered when it is open again', async () => {
  const { client } = await connect()
  client.take(subscribePacket({ a: {} }))
  await publish('1', '2')
  expect(payloads(client.take())).toEqual(['1', '2'])
  client.lose()
  await publish('3', '4')
  failReads(store.environment)
  expect((await connect()).packets).toMatchObject(refused)
  // Its commit opens the file again.
  await publish('5')
  const { packets } = await connect()
  expect([payloads(packets), store.damaged]).toEqual([['1', '2', '3', '4'], 0])
})

it('those that were in flight before a restart are sent again then, in their order', async () => {
  const { client } = await connect()
  client.take(subscribePacket({ a: {} }))
  await publish('1', '2', '3', '4', '5', '6')
  const identifiers = published(client.take()).map(({ messageId }) => messageId)
  await restart()
  failReads(store.environment)
  expect((await connect()).packets).toMatchObject(refused)
  expect((await connect()).packets).toMatchObject(refused)
  await publish('7')
  const { client: again, packets } = await connect()
  const sent = published(packets)
  expect(sent.map(({ messageId }) => messageId)).toEqual(identifiers)
  expect([payloads(sent), sent.every((packet) => packet.cmd === 'publish' && packet.dup)]).toEqual([
    ['1', '2', '3', '4'],
    true,
  ])
  for (const messageId of identifiers) again.take({ cmd: 'puback', messageId: messageId! })
  await store.flush()
  expect(broker.broker.session('subscriber')).toMatchObject({ waiting: 0, inflight: 3 })
})
