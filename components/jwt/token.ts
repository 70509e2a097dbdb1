/** The first characters of a JSON object in base64url: `{"` or `{` and white space. */
const JSON_OBJECT = /^e[wyA-Z]/

/**
 * Whether a text is a token (RFC 7519, in the compact form of a signature) and not a password: three parts, the first of which is a
 * JSON object with an algorithm. A text that is too long to be looked at is a token if it begins like one.
 */
export const isToken = (text: string, maximumLength: number): boolean => {
  if (!JSON_OBJECT.test(text)) return false
  if (text.length > maximumLength) return true
  const [header = '', ...rest] = text.split('.', 4)
  if (rest.length !== 2 || !/^[\w-]+$/.test(header)) return false
  try {
    const parsed: unknown = JSON.parse(Buffer.from(header, 'base64url').toString())
    return typeof parsed === 'object' && parsed !== null && 'alg' in parsed
  } catch {
    return false
  }
}
