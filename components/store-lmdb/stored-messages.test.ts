import { expect, it } from 'vitest'
import { RecordingLogger } from '../../test/helpers/recording-logger.ts'
import { StoredMessages } from './stored-messages.ts'

it('a message that is not in the file is left out, counted, and logged once', () => {
  const log = new RecordingLogger()
  const file = { isReadable: true, get: () => undefined, keys: () => [] }
  const messages = new StoredMessages(file as never, log)
  expect([messages.read(7, 0, 'pump'), messages.read(8, 0, 'pump')]).toEqual([undefined, undefined])
  expect(messages.damaged).toBe(2)
  expect(log.at('error').map(({ message }) => message)).toEqual([
    'A message of pump could not be read from the store and was left out: message 7 has no record 0',
  ])
})

it('while the file cannot be read at all, a message does not count as damaged, and reading it throws', () => {
  const log = new RecordingLogger()
  const get = () => {
    throw new Error('MDB_PANIC')
  }
  const messages = new StoredMessages({ isReadable: false, get, keys: () => [] } as never, log)
  expect(() => messages.read(7, 0, 'pump')).toThrow('MDB_PANIC')
  expect([messages.damaged, log.lines]).toEqual([0, []])
})
