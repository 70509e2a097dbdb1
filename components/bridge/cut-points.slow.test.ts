/** Each point at which a connection can be cut while messages at QoS 2 are in flight, and each point of a second cut after it. */

import { describe, it } from 'vitest'
import { CutBridge } from '../../test/helpers/cut-bridge.ts'

/** Points of the first cut: with the last one all messages are complete. */
const FIRST = Array.from({ length: 36 }, (_, point) => point)
/** Points of the second cut, behind the first. */
const SECOND = [0, 1, 2, 3, 5, 8]
const MESSAGES = 3

/** From one point to the next, one packet arrives at one side, or the oldest batch of the store is written. */
const goOn = (bridge: CutBridge, points: number): void => {
  for (let point = 0; point < points; point += 1) {
    if (point % 3 === 0) bridge.arrive('there', 1)
    else if (point % 3 === 1) bridge.arrive('here', 1)
    else bridge.settleOldest()
  }
}

const MODES = {
  'by the network': (bridge: CutBridge) => bridge.cut(false),
  'by the remote broker, so that messages follow one by one': (bridge: CutBridge) => bridge.cut(true),
  'by a crash of this broker': (bridge: CutBridge) => bridge.crash(),
} as const
const modes = Object.keys(MODES) as (keyof typeof MODES)[]

describe.each([4, 5] as const)('over MQTT %i', (version) => {
  describe.each(['here', 'there'] as const)('messages from %s come once', (side) => {
    it.each(modes)('after two cuts %s', async (mode) => {
      for (const first of FIRST) {
        for (const second of SECOND) {
          const bridge = new CutBridge(version)
          await bridge.begin()
          for (let message = 0; message < MESSAGES; message += 1) {
            if (side === 'here') bridge.publishHere(2)
            else bridge.publishThere(2)
            bridge.endBatch()
          }
          goOn(bridge, first)
          await MODES[mode](bridge)
          bridge.connect()
          goOn(bridge, second)
          await MODES[mode](bridge)
          await bridge.check()
        }
      }
    })
  })
})
