/** The bytes are not a header of the PROXY protocol. The message is short. */
export class ProxyHeaderError extends Error {
  override readonly name = 'ProxyHeaderError'
}
