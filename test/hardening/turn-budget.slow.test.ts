/** Floods of legal packets: what is done in one turn of the event loop does not depend on how many send them. */

import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type PacketReceiver, PipelineStage } from '../../src/kinds/pipeline-stage.ts'
import { defineComponent } from '../../src/system/define-system.ts'
import { eventually } from '../helpers/eventually.ts'
import { packetBytes } from '../helpers/packet-bytes.ts'
import { arena } from './arena.ts'
import { hex } from './attacker.ts'

const TURN_WORK_UNITS = 5_000
/** The end of a connection counts as so many packets. */
const CLOSING = 1_000
/** Packets, and filters in them, that came in this turn of the event loop, and the most that came in one. */
const counted = { now: 0, most: 0 }

const count = (weight: number): void => {
  if (counted.now === 0) {
    setImmediate(() => {
      counted.most = Math.max(counted.most, counted.now)
      counted.now = 0
    })
  }
  counted.now += weight
}

/** A filter that counts what passes. */
const counter = defineComponent({
  provides: PipelineStage,
  needs: {},
  config: z.strictObject({}),
  start: (): PipelineStage => ({
    role: 'filter',
    open: (_, next): PacketReceiver => ({
      packet(packet) {
        if (packet.cmd === 'subscribe') count(packet.subscriptions.length)
        else if (packet.cmd === 'unsubscribe') count(packet.unsubscriptions.length)
        else count(1)
        next.packet(packet)
      },
      publish(publish) {
        count(1)
        next.publish(publish)
      },
      fail: (error) => next.fail?.(error),
      drained: () => undefined,
      closed: () => count(CLOSING),
    }),
  }),
})

const attack = arena({
  server: { turnWorkUnits: TURN_WORK_UNITS },
  handler: { receiveMaximum: 65_535 },
  entries: { counter: { component: counter } },
  filters: ['counter'],
})

const repeat = (times: number, packet: (n: number) => string): Buffer =>
  Buffer.concat(Array.from({ length: times }, (_, n) => packetBytes(packet(n))))
const id = (n: number) => hex((n % 65_535) + 1, 4)
const filters = (n: number, options: string) =>
  Array.from({ length: 20 }, (_, m) => `"flood/${n % 20}/${m}" ${options}`).join(' ')

/** @param units what one counted packet or filter costs at least. */
const floods: [name: string, attackers: number, units: number, flood: Buffer][] = [
  ['PINGREQ', 10, 2, repeat(20_000, () => 'c0 00')],
  ['PUBREL', 5, 3, repeat(10_000, (n) => `62 02 ${id(n)}`)],
  ['PUBACK', 10, 2, repeat(10_000, (n) => `40 02 ${id(n)}`)],
  ['PUBLISH at QoS 1', 10, 4, repeat(5_000, (n) => `32 @ "a" ${id(n)} 'x'`)],
  ['PUBLISH at QoS 0 without subscribers', 30, 2, repeat(5_000, (n) => `30 @ "a/${n % 2}" 'x'`)],
  ['retained PUBLISH', 5, 42, repeat(2_000, (n) => `31 @ "retained/${n % 100}" 'x'`)],
  ['SUBSCRIBE', 5, 20, repeat(200, (n) => `82 @ ${id(n)} ${filters(n, '00')}`)],
  ['UNSUBSCRIBE', 5, 6, repeat(500, (n) => `a2 @ ${id(n)} ${filters(n, '')}`)],
]

describe('a flood of', () => {
  it.each(floods)(
    '%s from %i clients leaves turns as short as one from a single client',
    async (_, attackers, units, flood) => {
      const army = await Promise.all(Array.from({ length: attackers }, () => attack.connected(4)))
      await attack.bystanderIsServed()
      counted.most = 0
      for (const attacker of army) attacker.send(flood)
      // They are served, and so are all other clients meanwhile.
      for (let times = 0; times < 5; times++) await attack.bystanderIsServed()
      await Promise.all(army.map((attacker) => attacker.untilPing()))
      // The rest of one turn and the waiting ones of the next one can fall together, and each client may exceed a share once.
      const most = (3 * TURN_WORK_UNITS + attackers * 500) / units
      expect(counted.most).toBeLessThan(most)
      expect(counted.most).toBeGreaterThan(0)
    },
  )
})

it('connections that are reset at once are closed over turns of the event loop', async () => {
  const army = await Promise.all(Array.from({ length: 200 }, () => attack.connected(4)))
  await attack.bystanderIsServed()
  counted.most = 0
  for (const attacker of army) attacker.raw.socket.resetAndDestroy()
  await eventually(() => expect(attack.broker.map.server.connections).toBe(1))
  await attack.bystanderIsServed()
  // 5,000 units are the ends of some 17 connections, and those of one turn and of the next can fall together.
  expect(counted.most).toBeLessThan(60 * CLOSING)
  expect(counted.most).toBeGreaterThan(CLOSING)
})
