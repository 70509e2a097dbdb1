import type { X509Certificate } from 'node:crypto'
import type { PeerTls } from '../../kinds/peer.ts'
import { alternativeNames } from './alternative-names.ts'

/**
 * The TLS data of a client, for the rest of the broker.
 * @param serverName that the client asked for (SNI); false or null if it asked for none.
 * @param certificate of the client, if it was verified; undefined otherwise.
 */
export const tlsPeer = (
  serverName: string | false | null | undefined,
  certificate: X509Certificate | undefined,
): PeerTls => ({
  ...(typeof serverName === 'string' && serverName !== '' && { serverName }),
  ...(certificate !== undefined && identityOf(certificate)),
})

const identityOf = (certificate: X509Certificate): PeerTls => {
  const commonName = certificate.toLegacyObject().subject.CN as string | string[] | undefined
  return {
    // One part in a line, the least specific first. Line breaks and commas in a value are escaped.
    subject: certificate.subject.split('\n').reverse().join(','),
    // With several, it is not clear which one identifies the client.
    ...(typeof commonName === 'string' && { commonName }),
    serial: certificate.serialNumber,
    fingerprint: certificate.fingerprint256,
    alternativeNames: alternativeNames(certificate.subjectAltName),
  }
}
