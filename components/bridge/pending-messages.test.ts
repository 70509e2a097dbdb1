/** Messages from the remote broker that this broker delivers over several turns, while the connection ends. */

import { setImmediate as nextTurn } from 'node:timers/promises'
import type { IPublishPacket, Packet } from 'mqtt-packet'
import { afterEach, expect, it } from 'vitest'
import { carried } from '../../test/helpers/bridged-broker.ts'
import { crowdAway, crowdWaiting } from '../../test/helpers/crowd.ts'
import { ImpatientRouter } from '../../test/helpers/impatient-router.ts'
import { RelayHarness } from '../../test/helpers/relay-harness.ts'

/** The router takes one subscriber in a turn. */
const CROWD = 10

let bridge: RelayHarness
afterEach(() => bridge.stop())

const start = (): void => {
  bridge = new RelayHarness({
    ...{ version: 4, topics: [carried('#', 'in')], parts: { router: new ImpatientRouter(1, 1) } },
  })
  crowdAway(bridge.broker, CROWD)
  grant()
}
/** The remote broker grants the subscription. */
const grant = (): void => {
  const subscribe = bridge.sent().find(({ cmd }) => cmd === 'subscribe')!
  bridge.receive({ cmd: 'suback', messageId: subscribe.messageId!, granted: [2] })
}
const message = (payload: string, dup = false): IPublishPacket => {
  return { cmd: 'publish', topic: 'a', payload, qos: 2, messageId: 7, dup, retain: false }
}
const untilQuiet = async (): Promise<void> => {
  while (bridge.broker.core.publications.count > 0) await nextTurn()
}
const said = (packets: readonly Packet[]) => packets.map(({ cmd, messageId }) => `${cmd} ${messageId}`)

it('comes once if the remote broker sends it again over the next connection', async () => {
  start()
  expect(bridge.receive(message('1'))).toEqual([])
  bridge.lose()
  bridge.connect({ sessionPresent: true })
  const subscribe = bridge.sent()[0]!
  // Nothing is taken before the message has been delivered.
  expect(bridge.receive({ cmd: 'suback', messageId: subscribe.messageId!, granted: [2] }, message('1', true))).toEqual(
    [],
  )
  await untilQuiet()
  expect(said(bridge.receive())).toEqual(['pubrec 7'])
  await untilQuiet()
  expect(crowdWaiting(bridge.broker, 1)).toBe(CROWD)
})

it('does not hide the first message of a new session that has the same Packet Identifier', async () => {
  start()
  bridge.receive(message('1'))
  bridge.lose()
  // The remote broker has lost the session.
  bridge.connect({ sessionPresent: false })
  bridge.lose()
  bridge.connect({ sessionPresent: true })
  await untilQuiet()
  grant()
  bridge.receive(message('2'))
  await untilQuiet()
  expect(crowdWaiting(bridge.broker, 2)).toBe(CROWD)
})
