import { expect, it } from 'vitest'
import { RecordingLogger } from '../../test/helpers/recording-logger.ts'
import { Buffers } from './buffers.ts'

const waiter = () => {
  const waiting = { wentOn: 0, goOn: () => void waiting.wentOn++ }
  return waiting
}

it('is full from when the mark is passed until half of it is left, and then lets those go on who waited', () => {
  const log = new RecordingLogger()
  const buffers = new Buffers(100, log)
  const [first, second] = [waiter(), waiter()]
  buffers.add(100)
  expect([buffers.full, buffers.wait(first)]).toEqual([false, false])
  buffers.add(1)
  expect([buffers.full, buffers.wait(first), buffers.wait(second)]).toEqual([true, true, true])
  buffers.forget(second)
  buffers.add(-50)
  expect([buffers.full, buffers.bytes, first.wentOn]).toEqual([true, 51, 0])
  buffers.add(-1)
  expect([buffers.full, first.wentOn, second.wentOn]).toEqual([false, 1, 0])
  buffers.add(-50)
  expect(first.wentOn).toBe(1)
})

it('warns, but not each time', () => {
  const log = new RecordingLogger()
  const buffers = new Buffers(100, log)
  for (let n = 0; n < 3; n++) {
    buffers.add(101)
    buffers.add(-101)
  }
  expect(log.at('warn')).toMatchObject([{ bytes: 101, maximumTotalPendingBytes: 100 }])
})
