/** Copying this many bytes costs less than passing one more buffer to the operating system. */
const smallBytes = 16 * 1024

/** The same bytes in fewer buffers: neighbours that are small are copied into one, large ones stay as they are. */
export const joinSmall = (chunks: readonly Uint8Array[]): Uint8Array[] => {
  const joined: Uint8Array[] = []
  let start = 0
  for (let end = 0; end <= chunks.length; end++) {
    const chunk = chunks[end]
    if (chunk !== undefined && chunk.length <= smallBytes) continue
    if (end - start > 1) joined.push(Buffer.concat(chunks.slice(start, end)))
    else if (end > start) joined.push(chunks[start]!)
    if (chunk !== undefined) joined.push(chunk)
    start = end + 1
  }
  return joined
}
