import { describeLevel, namedClient } from '../../src/mqtt/named-client.ts'
import { otherProtocol } from '../../src/mqtt/other-protocol.ts'
import type { ProtocolError } from '../../src/mqtt/protocol-error.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'

/**
 * Adds to the error of a first packet what helps the operator to find the client. The cost is paid for refused packets alone.
 * @param buffer holds the packet, or a part of it.
 * @param frameStart where its first byte is; -1 when it is not in the buffer.
 * @param bodyStart where its body begins; -1 when it is not in the buffer.
 */
export const describeConnectError = (
  error: ProtocolError,
  buffer: Buffer,
  frameStart: number,
  bodyStart: number,
): ProtocolError => {
  const other = frameStart < 0 ? undefined : otherProtocol(buffer.subarray(frameStart))
  if (other !== undefined) return { ...error, hint: other }
  if (bodyStart < 0) return error
  const isVersion = error.reasonCode === ReasonCode.UnsupportedProtocolVersion
  const hint = isVersion ? describeLevel(buffer, bodyStart) : undefined
  const clientId = namedClient(buffer, bodyStart)
  return { ...error, ...(hint && { hint }), ...(clientId && { clientId }) }
}
