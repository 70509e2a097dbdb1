const MAXIMUM_BYTES = 65_535

/** Whether a value could be the User Name of CONNECT: a text, not empty, that is a UTF-8 Encoded String (section 1.5.4). */
export const isUserName = (value: unknown): value is string => {
  if (typeof value !== 'string' || value === '' || value.includes('\0')) return false
  const bytes = Buffer.from(value)
  // An unpaired surrogate becomes another character.
  return bytes.length <= MAXIMUM_BYTES && bytes.toString() === value
}
