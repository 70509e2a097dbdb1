/** The Properties of a message that are forwarded unaltered: the content of `Message.properties`. */

import type { PacketReader } from './packet-reader.ts'

/**
 * The bytes of the forwarded ones among the Properties that the reader has just checked, in the order they came in
 * [MQTT-3.3.2-18] [MQTT-3.1.3-10]: a view, or a copy if others stand between them.
 */
export const forwardedProperties = (reader: PacketReader): Buffer => {
  const { bytes } = reader
  if (cutOutside(reader)) return bytes.subarray(reader.propertiesStart, reader.propertiesEnd)
  const { firstCutStart, firstCutLength, secondCutStart, secondCutLength } = reader
  const second = secondCutLength === 0 ? reader.propertiesEnd : secondCutStart
  return Buffer.concat([
    bytes.subarray(reader.propertiesStart, firstCutStart),
    bytes.subarray(firstCutStart + firstCutLength, second),
    bytes.subarray(second + secondCutLength, reader.propertiesEnd),
  ])
}

/**
 * Narrows the reader's range of Properties to the forwarded ones, if all other Properties stand before or behind them. Most
 * clients write Properties in such an order, and then nothing has to be copied.
 * @returns whether the range contains only forwarded Properties.
 */
export const cutOutside = (reader: PacketReader): boolean => {
  if (reader.firstCutLength === 0) return true
  cutStart(reader)
  cutStart(reader)
  cutEnd(reader)
  cutEnd(reader)
  return reader.firstCutLength === 0
}

const cutStart = (reader: PacketReader): void => {
  if (reader.firstCutLength === 0 || reader.firstCutStart !== reader.propertiesStart) return
  reader.propertiesStart += reader.firstCutLength
  reader.firstCutStart = reader.secondCutStart
  reader.firstCutLength = reader.secondCutLength
  reader.secondCutLength = 0
}

const cutEnd = (reader: PacketReader): void => {
  if (reader.secondCutLength > 0) {
    if (reader.secondCutStart + reader.secondCutLength !== reader.propertiesEnd) return
    reader.propertiesEnd = reader.secondCutStart
    reader.secondCutLength = 0
  } else if (reader.firstCutLength > 0 && reader.firstCutStart + reader.firstCutLength === reader.propertiesEnd) {
    reader.propertiesEnd = reader.firstCutStart
    reader.firstCutLength = 0
  }
}
