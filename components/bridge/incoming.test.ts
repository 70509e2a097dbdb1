import { generate, type IPublishPacket } from 'mqtt-packet'
import { expect, it } from 'vitest'
import type { Arrival, ClientSession, PublishOutcome } from '../../src/kinds/client-session.ts'
import type { Message } from '../../src/mqtt/message.ts'
import { PacketType } from '../../src/mqtt/packet-type.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { newBridgeCounters } from './counters.ts'
import { FrameReader } from './frame-reader.ts'
import { Incoming } from './incoming.ts'
import { RemoteSession } from './remote-session.ts'

type Finish = (reason: ReasonCode, outcome: { message: Message; isRefused: boolean }) => void

/** A session that answers as the test says. */
const start = ({
  version = 5 as 4 | 5,
  arrival = 'new' as Arrival,
  hasRoom = true,
  reasonCode = ReasonCode.Success as ReasonCode,
  isRefused = false,
  isPending = false,
} = {}) => {
  const state = {
    kept: [] as string[],
    published: [] as Message[],
    hasEnded: false,
    finish: undefined as Finish | undefined,
  }
  const answers: [type: number, packetIdentifier: number, reasonCode: number][] = []
  const refused: [topic: string, reasonCode: number][] = []
  const session = {
    get hasEnded() {
      return state.hasEnded
    },
    unreleased: {
      contentOf: () => undefined,
      arrival: () => arrival,
      hasRoomFor: () => hasRoom,
      add: (packetIdentifier: number) => state.kept.push(`accepted ${packetIdentifier}`),
      addRefused: (packetIdentifier: number) => state.kept.push(`refused ${packetIdentifier}`),
    },
    publish: (message: Message): PublishOutcome => {
      state.published.push(message)
      const whenFinished = (finish: Finish) => {
        state.finish = finish
      }
      const pending = isPending ? ({ whenFinished } as unknown as PublishOutcome['pending']) : undefined
      return { reasonCode, isRefused, subscribers: 0, pending }
    },
  }
  const counters = newBridgeCounters()
  const incoming = new Incoming({
    ...{ broker: { now: () => 0 }, session: session as unknown as ClientSession, counters, version },
    ...{ remoteSession: new RemoteSession(3), hop: undefined, maximumHops: 16, toLocal: (topic) => topic },
    answer: (...answer) => answers.push(answer),
    refusedHere: (...refusal) => refused.push(refusal),
    unacceptable: () => undefined,
  })
  const receive = (qos: 1 | 2) => {
    const packet: IPublishPacket = {
      cmd: 'publish',
      topic: 'a',
      payload: 'x',
      qos,
      messageId: 7,
      retain: false,
      dup: false,
    }
    const frames = new FrameReader(1_000)
    frames.push(generate(packet, { protocolVersion: version }))
    incoming.publish(frames.next()!)
  }
  return { state, answers, refused, counters, receive }
}

it('answers a message that was refused before with the same refusal, and does not publish it again', () => {
  const { receive, answers, state } = start({ arrival: 'refused' })
  receive(2)
  expect(answers).toEqual([[PacketType.Pubrec, 7, ReasonCode.QuotaExceeded]])
  expect(state.published).toEqual([])
})

it('ends the connection to a remote broker that releases nothing', () => {
  const { receive, answers } = start({ hasRoom: false })
  expect(() => receive(2)).toThrow('too many messages at QoS 2 that it did not release')
  expect(answers).toEqual([])
})

it.each([
  { version: 5 as const, isRefused: false, kept: [] },
  { version: 5 as const, isRefused: true, kept: ['refused 7'] },
  // MQTT 3.1.1 has no code for a refusal: the exchange goes on, and the message must not be published by a repetition.
  { version: 4 as const, isRefused: true, kept: ['accepted 7'] },
])('reports a refusal at QoS 2 (version $version, by a full queue: $isRefused), and keeps $kept', (given) => {
  const { receive, answers, refused, state } = start({ ...given, reasonCode: ReasonCode.QuotaExceeded })
  receive(2)
  expect(refused).toEqual([['a', ReasonCode.QuotaExceeded]])
  expect(answers).toEqual([[PacketType.Pubrec, 7, ReasonCode.QuotaExceeded]])
  expect(state.kept).toEqual(given.kept)
})

it('answers a message that is delivered over several turns when all have it', () => {
  const { receive, answers, state } = start({ isPending: true })
  receive(1)
  expect(answers).toEqual([])
  state.finish!(ReasonCode.Success, { message: state.published[0]!, isRefused: false })
  expect(answers).toEqual([[PacketType.Puback, 7, ReasonCode.Success]])
})

it('does not answer it if its session has ended meanwhile', () => {
  const { receive, answers, state } = start({ isPending: true })
  receive(2)
  state.hasEnded = true
  state.finish!(ReasonCode.Success, { message: state.published[0]!, isRefused: false })
  expect([answers, state.kept]).toEqual([[], []])
})
