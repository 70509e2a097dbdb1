/** A value of ASN.1 in the encoding DER, as far as certificates and revocation lists need it. */
export interface DerValue {
  readonly tag: number
  /** Its content. */
  readonly content: Uint8Array
  /** Tag, length and content. */
  readonly whole: Uint8Array
}

/** The tags that are used here. */
export const DER = { integer: 0x02, utcTime: 0x17, generalizedTime: 0x18, sequence: 0x30 } as const

/** The values that stand one after the other. @throws an Error if the bytes end within one. */
export const derValues = (bytes: Uint8Array): DerValue[] => {
  const values: DerValue[] = []
  let position = 0
  while (position < bytes.length) {
    const tag = bytes[position]!
    const [start, length] = lengthAt(bytes, position + 1)
    const end = start + length
    if (end > bytes.length) throw new Error('a value is longer than its container')
    values.push({ tag, content: bytes.subarray(start, end), whole: bytes.subarray(position, end) })
    position = end
  }
  return values
}

/** Where the content begins, and its length. */
const lengthAt = (bytes: Uint8Array, position: number): [start: number, length: number] => {
  const first = bytes[position]
  if (first === undefined) throw new Error('a value has no length')
  if (first < 0x80) return [position + 1, first]
  const count = first & 0x7f
  if (count === 0 || count > 4 || position + count >= bytes.length) throw new Error('a length is not right')
  let length = 0
  for (let index = 1; index <= count; index += 1) length = length * 256 + bytes[position + index]!
  return [position + 1 + count, length]
}

/** A point in time, in milliseconds. @returns undefined if it is not valid. */
export const derTimeMs = ({ tag, content }: DerValue): number | undefined => {
  const text = Buffer.from(content).toString('latin1')
  const parts = /^(\d{2,4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(text)
  if (parts === null) return undefined
  const [, year = '', ...rest] = parts
  const [month = 1, day = 1, hour = 0, minute = 0, second = 0] = rest.map(Number)
  // RFC 5280, 4.1.2.5.1: two digits from 50 are years of the 20th century.
  const full = tag === DER.utcTime ? Number(year) + (Number(year) < 50 ? 2000 : 1900) : Number(year)
  return Date.UTC(full, month - 1, day, hour, minute, second)
}
