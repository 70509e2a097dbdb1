import { namedClient } from '../../src/mqtt/named-client.ts'
import { otherProtocol } from '../../src/mqtt/other-protocol.ts'
import type { ProtocolError } from '../../src/mqtt/protocol-error.ts'

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
  const hint = frameStart < 0 ? undefined : otherProtocol(buffer.subarray(frameStart))
  if (hint !== undefined) return { ...error, hint }
  const clientId = bodyStart < 0 ? undefined : namedClient(buffer, bodyStart)
  return clientId === undefined ? error : { ...error, clientId }
}
