import { expect, it } from 'vitest'
import { ReasonCode } from './reason-code.ts'
import { checkTopicName } from './topic-name.ts'

it.each(['a', '/', '//', ' ', '/a', 'a/', 'sport/tennis', '$SYS/x', '$share/g/a', 'é/語/🎈', '/'.repeat(65_535)])(
  'takes %j',
  (name) => {
    expect(checkTopicName(Buffer.from(name))).toBeUndefined()
  },
)

it.each([
  ['#', 'MQTT-3.3.2-2'],
  ['+', 'MQTT-3.3.2-2'],
  ['a/b#', 'MQTT-3.3.2-2'],
  ['a+b', 'MQTT-3.3.2-2'],
])('refuses %j', (name, clause) => {
  expect(checkTopicName(Buffer.from(name))).toMatchObject({ reasonCode: ReasonCode.TopicNameInvalid, clause })
})

it('reports an empty Topic Name as a Protocol Error', () => {
  const expected = { reasonCode: ReasonCode.ProtocolError, clause: 'MQTT-4.7.3-1' }
  expect(checkTopicName(Buffer.from(''))).toMatchObject(expected)
})

it('calls a Will Topic and a Response Topic by their names', () => {
  const name = Buffer.from('+')
  expect(checkTopicName(name, 0, 1, 'Response Topic')).toMatchObject({
    message: 'The Response Topic holds a wildcard character.',
    clause: 'MQTT-3.3.2-14',
  })
  expect(checkTopicName(name, 0, 1, 'Will Topic')).toMatchObject({ clause: 'MQTT-4.7.0-1' })
})

it('the check of Topic Names reads no byte outside its bounds', () => {
  expect(checkTopicName(Buffer.from('#a#'), 1, 2)).toBeUndefined()
})
