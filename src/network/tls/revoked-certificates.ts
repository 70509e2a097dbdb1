import { DER, type DerValue, derTimeMs, derValues } from './der.ts'

/**
 * The certificates that revocation lists name. OpenSSL checks the lists in a full handshake. This is asked after a session was resumed, in
 * which OpenSSL checks no certificate, and about connected clients when new lists were loaded. The signatures of the lists are not checked
 * here: the files are the operator's.
 */
export class RevokedCertificates {
  /** Issuer and serial number, as `keyOf` writes them. */
  readonly #keys = new Set<string>()
  /** When the first of the lists expires; undefined if no list has an end. */
  nextUpdateMs: number | undefined

  /** Adds the lists of a file. @throws an Error if it holds no list, or one that cannot be read. */
  add(pem: string): void {
    const lists = [...pem.matchAll(/-----BEGIN X509 CRL-----([\s\S]*?)-----END X509 CRL-----/g)]
    if (lists.length === 0) throw new Error('there is no "BEGIN X509 CRL" in it')
    for (const [, base64] of lists) this.#addList(Buffer.from(base64!, 'base64'))
  }

  get size(): number {
    return this.#keys.size
  }

  /** Whether a list names a certificate. @param key from `certificateKey`. */
  has(key: string): boolean {
    return this.#keys.has(key)
  }

  /** RFC 5280, 5.1: TBSCertList. */
  #addList(der: Uint8Array): void {
    const [list] = derValues(der)
    const [body] = derValues(list?.content ?? der)
    if (list?.tag !== DER.sequence || body?.tag !== DER.sequence) throw new Error('a list is not a sequence')
    const fields = derValues(body.content)
    // The version is optional.
    if (fields[0]?.tag === DER.integer) fields.shift()
    const [, issuer, , ...rest] = fields
    if (issuer === undefined) throw new Error('a list has no issuer')
    const isTime = (field: DerValue | undefined) => field?.tag === DER.utcTime || field?.tag === DER.generalizedTime
    if (isTime(rest[0])) this.#noteNextUpdate(derTimeMs(rest.shift()!))
    if (rest[0]?.tag !== DER.sequence) return
    for (const entry of derValues(rest[0].content)) {
      const [serial] = derValues(entry.content)
      if (serial?.tag === DER.integer) this.#keys.add(keyOf(issuer, serial))
    }
  }

  #noteNextUpdate(timeMs: number | undefined): void {
    if (timeMs !== undefined) this.nextUpdateMs = Math.min(timeMs, this.nextUpdateMs ?? timeMs)
  }
}

/** Names a certificate by its issuer and serial number. @param der the certificate. @throws an Error if it cannot be read. */
export const certificateKey = (der: Uint8Array): string => {
  const [certificate] = derValues(der)
  const [body] = derValues(certificate?.content ?? der)
  const fields = derValues(body?.content ?? der)
  // [0], the version, is optional (RFC 5280, 4.1).
  if (fields[0]?.tag === 0xa0) fields.shift()
  const [serial, , issuer] = fields
  if (serial?.tag !== DER.integer || issuer === undefined) throw new Error('a certificate has no serial number')
  return keyOf(issuer, serial)
}

const keyOf = (issuer: DerValue, serial: DerValue): string =>
  `${Buffer.from(issuer.whole).toString('base64')} ${Buffer.from(serial.content).toString('hex')}`
