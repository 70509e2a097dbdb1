/** How many bytes a Variable Byte Integer takes, 1 to 4. @param value 0 to 268,435,455. */
export const variableByteIntegerSize = (value: number): number =>
  value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : 4

/** Writes a Variable Byte Integer at `position`, in as few bytes as it takes [MQTT-1.5.5-1]. @returns where it ends. */
export const writeVariableByteInteger = (bytes: Uint8Array, position: number, value: number): number => {
  let at = position
  let rest = value
  while (rest > 0x7f) {
    bytes[at++] = (rest & 0x7f) | 0x80
    rest >>= 7
  }
  bytes[at++] = rest
  return at
}
