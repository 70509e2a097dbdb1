/**
 * Reads the body of an answer.
 * @throws when it has more than `maximumBytes`, or what reading it throws. The rest is not read then, and the connection is closed.
 */
export const readBoundedBody = async (response: Response, maximumBytes: number): Promise<Buffer> => {
  const { body } = response
  if (body === null) return Buffer.alloc(0)
  const reader = body.getReader()
  const chunks: Uint8Array[] = []
  let length = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return Buffer.concat(chunks, length)
    length += value.length
    if (length > maximumBytes) {
      await reader.cancel().catch(() => {})
      throw new Error(`the answer has more than ${maximumBytes} bytes`)
    }
    chunks.push(value)
  }
}
