import { expect, it } from 'vitest'
import { ReasonCode } from './reason-code.ts'
import { checkTopicFilter, isSharedFilter } from './topic-filter.ts'

it.each([
  ...['a', '/', '#', '+', '/#', '+/#', '+/+', '/+', 'a/+/b', 'a/#', '$SYS/#', 'é/+', ' ', '+/tennis/#', '//'],
  ...['$share', '$shared/a', '$share/g/a', '$share/g//', '$share/g/#', '$share/é/+/a', '$share/$g/$SYS/#'],
])('the check of Topic Filters takes %j', (filter) => {
  expect(checkTopicFilter(Buffer.from(filter))).toBeUndefined()
})

it.each([
  ['', 'MQTT-4.7.3-1'],
  ['##', 'MQTT-4.7.1-1'],
  ['#/', 'MQTT-4.7.1-1'],
  ['a#', 'MQTT-4.7.1-1'],
  ['a/#/b', 'MQTT-4.7.1-1'],
  ['+#', 'MQTT-4.7.1-2'],
  ['a+', 'MQTT-4.7.1-2'],
  ['+a', 'MQTT-4.7.1-2'],
  ['a/++/b', 'MQTT-4.7.1-2'],
  ['$share/', 'MQTT-4.8.2-1'],
  ['$share//a', 'MQTT-4.8.2-1'],
  ['$share/g', 'MQTT-4.8.2-2'],
  ['$share/g/', 'MQTT-4.8.2-2'],
  ['$share/+/a', 'MQTT-4.8.2-2'],
  ['$share/#', 'MQTT-4.8.2-2'],
  ['$share/g#/a', 'MQTT-4.8.2-2'],
  ['$share/g/a#', 'MQTT-4.7.1-1'],
])('refuses %j', (filter, clause) => {
  expect(checkTopicFilter(Buffer.from(filter))).toMatchObject({ reasonCode: ReasonCode.TopicFilterInvalid, clause })
})

it('recognises a Shared Subscription by its prefix', () => {
  expect(isSharedFilter(Buffer.from('$share/g/a'))).toBe(true)
  expect(isSharedFilter(Buffer.from('$share'))).toBe(false)
  expect(isSharedFilter(Buffer.from('x$share/g/a'))).toBe(false)
  expect(isSharedFilter(Buffer.from('x$share/g/a'), 1)).toBe(true)
})

it('the check of Topic Filters reads no byte outside its bounds', () => {
  expect(checkTopicFilter(Buffer.from('+#/b'), 1, 2)).toBeUndefined()
})
