import fc from 'fast-check'
import { expect, it } from 'vitest'
import { runOf } from '../../test/helpers/mailbox.ts'

/** Payloads on both sides of the lengths at which a Remaining Length takes another byte. */
const payload = fc
  .oneof(fc.nat(300), fc.constantFrom(0, 110, 120, 121, 122, 123, 124, 125, 126, 127, 128, 129))
  .map((length) => 'x'.repeat(length))

it('knows the size of its payloads, also after it was shortened', () => {
  fc.assert(
    fc.property(
      fc.array(payload, { minLength: 2, maxLength: 12 }),
      fc.constantFrom<0 | 1>(0, 1),
      fc.constantFrom<4 | 5>(4, 5),
      fc.nat(12),
      (payloads, qos, version, limit) => {
        const run = runOf('a', payloads, version, '', qos)
        const sum = () => {
          let bytes = 0
          run.each((message) => {
            bytes += message.payloadLength
          })
          return bytes
        }
        expect(run.payloadBytes).toBe(sum())
        run.limit(limit)
        expect(run.payloadBytes).toBe(sum())
      },
    ),
  )
})
