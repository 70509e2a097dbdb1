import type { QoS } from 'mqtt-packet'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Subscriber } from './subscriber.ts'

let subscriber: Subscriber
let broken: string[]
let identifier: number
beforeEach(() => {
  broken = []
  identifier = 0
  // Nothing listens there: it has no connection.
  subscriber = new Subscriber({ index: 0, protocolVersion: 5, port: 1, broken: (what) => void broken.push(what) })
})
afterEach(() => subscriber.close())

const get = (qos: QoS, ...numbers: number[]) => {
  for (const number of numbers) {
    identifier += 1
    subscriber.packet({
      ...{ cmd: 'publish', topic: 't', payload: `${number}`, retain: false, dup: false },
      ...{ qos, messageId: identifier },
    })
  }
}

test('at QoS 1 a message may come again, and so may those behind it', () => {
  get(1, 1, 2, 3, 2, 3, 4)
  expect([broken, subscriber.has('t', 4), subscriber.has('t', 5)]).toEqual([[], true, false])
})

test('at QoS 2 it may not', () => {
  get(2, 1, 2, 2)
  expect(broken).toEqual(['subscriber-0 got 2 of t twice, at QoS 2'])
})

test('at QoS 2 it may be sent again under its Packet Identifier until it is released', () => {
  get(2, 1)
  identifier -= 1
  get(2, 1)
  expect(broken).toEqual([])
  subscriber.packet({ cmd: 'pubrel', messageId: identifier })
  identifier -= 1
  get(2, 1)
  expect(broken).toHaveLength(1)
})

test('a message that comes for the first time behind a later one is out of order', () => {
  get(1, 1, 3, 2)
  expect(broken).toEqual(['subscriber-0 got 2 of t after 3'])
})

test('what is missing is known', () => {
  get(1, 1, 4)
  expect([subscriber.has('t', 4), broken]).toEqual([false, []])
  expect(subscriber.describeMissing('t', 6)).toBe('subscriber-0 lacks of t: 2 below 4 (2, 3), 5 to 6')
  expect(subscriber.describeMissing('u', 2)).toBe('subscriber-0 lacks of u: 1 to 2')
})

test('a session that is gone after SUBACK is lost', () => {
  subscriber.connected({ cmd: 'connack', sessionPresent: false })
  subscriber.connected({ cmd: 'connack', sessionPresent: false })
  expect(broken).toEqual([])
  subscriber.packet({ cmd: 'suback', messageId: 1, granted: [2] })
  subscriber.connected({ cmd: 'connack', sessionPresent: true })
  expect(broken).toEqual([])
  subscriber.connected({ cmd: 'connack', sessionPresent: false })
  expect(broken).toEqual(['the session of subscriber-0 was lost'])
})
