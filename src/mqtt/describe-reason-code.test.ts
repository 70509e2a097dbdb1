import { expect, it } from 'vitest'
import { describeDisconnectReason, describeReasonCode } from './describe-reason-code.ts'
import { ReasonCode } from './reason-code.ts'

it.each([
  [ReasonCode.NotAuthorized, 'Not authorized (0x87)'],
  [ReasonCode.KeepAliveTimeout, 'Keep Alive timeout (0x8D)'],
  [ReasonCode.Success, 'Success (0x00)'],
  [0x7f, 'Undefined Reason Code (0x7F)'],
])('names %i as %s', (code, text) => {
  expect(describeReasonCode(code)).toBe(text)
})

it('names 0x00 of a DISCONNECT packet as section 3.14 does, and the others likewise', () => {
  expect(describeDisconnectReason(0)).toBe('Normal disconnection (0x00)')
  expect(describeDisconnectReason(4)).toBe('Disconnect with Will Message (0x04)')
})

it('names every Reason Code, each differently', () => {
  const names = Object.values(ReasonCode).map(describeReasonCode)
  expect(names.filter((name) => name.startsWith('Undefined'))).toEqual([])
  expect(new Set(names).size).toBe(names.length)
})
