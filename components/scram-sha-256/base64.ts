/** The bytes of canonical base64, with its padding, or undefined: Buffer itself reads anything. */
export const decodeBase64 = (text: string): Buffer | undefined => {
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? bytes : undefined
}
