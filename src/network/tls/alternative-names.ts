/**
 * The alternative names of a certificate, each with its type: `DNS:broker.example`, `URI:urn:device:7`.
 * @param text as Node writes it (`X509Certificate.subjectAltName`): separated by commas; a value with special characters is in quotes.
 */
export const alternativeNames = (text: string | undefined): readonly string[] => {
  const names: string[] = []
  for (const [, type, value] of (text ?? '').matchAll(/([^:,]+):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/g)) {
    names.push(`${type}:${value!.startsWith('"') ? unquoted(value!) : value}`)
  }
  return names
}

/** The DNS names among alternative names, in lower case. */
export const dnsNames = (names: readonly string[]): readonly string[] =>
  names.filter((name) => name.startsWith('DNS:')).map((name) => name.slice('DNS:'.length).toLowerCase())

const unquoted = (value: string): string => {
  try {
    return String(JSON.parse(value))
  } catch {
    return value
  }
}
