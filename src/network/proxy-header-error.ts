/** The bytes are no header of the PROXY protocol. The message says what is wrong, in a few words. */
export class ProxyHeaderError extends Error {
  override readonly name = 'ProxyHeaderError'
}
