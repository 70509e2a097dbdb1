import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls'
import { alternativeNames, dnsNames } from './alternative-names.ts'
import { RevokedCertificates } from './revoked-certificates.ts'
import { asList, type TlsOptions } from './tls-config.ts'

/** A certificate of the server, read from its files. */
export interface LoadedCertificate {
  /** The file of the certificate. */
  readonly file: string
  /** The server names that get it, in lower case; `*.example.com` stands for one level. */
  readonly names: readonly string[]
  /** When the first certificate of the file expires: that of the server or an intermediate one. */
  readonly expiresAtMs: number
  readonly options: SecureContextOptions
  readonly context: SecureContext
}

/** All that the config of a listener names, read at one time. */
export interface LoadedTls {
  /** The first is for clients that ask for no server name or an unknown one. */
  readonly certificates: readonly [LoadedCertificate, ...LoadedCertificate[]]
  readonly revoked: RevokedCertificates
}

/** The files that a config names. */
export const tlsFiles = ({ certificates, cert, key, ca, crl }: TlsOptions): readonly string[] => {
  const own = cert === undefined || key === undefined ? [] : [cert, key]
  return [...own, ...certificates.flatMap((each) => [each.cert, each.key]), ...asList(ca), ...asList(crl)]
}

/**
 * Reads the files and makes a context for each certificate. Ticket keys are new with each context, so no session outlives it.
 * @throws an Error that names the file and what is wrong with it.
 */
export const loadTls = async (config: TlsOptions): Promise<LoadedTls> => {
  const { minimumVersion, ciphers } = config
  const ca = await Promise.all(asList(config.ca).map(readAuthorities))
  const crl = await Promise.all(asList(config.crl).map((file) => readText(file, 'crl')))
  const revoked = new RevokedCertificates()
  for (const [index, pem] of crl.entries()) addRevoked(revoked, pem, asList(config.crl)[index]!)
  const shared: SecureContextOptions = {
    minVersion: minimumVersion,
    ...(ciphers !== undefined && { ciphers }),
    ...(ca.length > 0 && { ca }),
    ...(crl.length > 0 && { crl }),
  }
  const { cert, key, passphrase } = config
  const own = cert === undefined || key === undefined ? [] : [{ cert, key }]
  const entries: Entry[] = [...own, ...config.certificates].map((entry) => ({ passphrase, ...entry }))
  const [first, ...others] = await Promise.all(entries.map((entry) => loadCertificate(entry, shared)))
  if (first === undefined) throw new Error('TLS needs a certificate: set cert and key, or certificates')
  return { certificates: [first, ...others], revoked }
}

interface Entry {
  readonly cert: string
  readonly key: string
  readonly passphrase?: string | undefined
  readonly names?: readonly string[] | undefined
}

const loadCertificate = async (entry: Entry, shared: SecureContextOptions): Promise<LoadedCertificate> => {
  const { cert: file, passphrase } = entry
  const [cert, key] = await Promise.all([readText(file, 'cert'), readText(entry.key, 'key')])
  const chain = certificatesIn(cert, file)
  const privateKey = readKey(key, entry)
  if (!chain[0].checkPrivateKey(privateKey)) {
    throw new Error(`The private key ${entry.key} does not belong to the certificate ${file}`)
  }
  const options: SecureContextOptions = { ...shared, cert, key, ...(passphrase !== undefined && { passphrase }) }
  return {
    file,
    names: entry.names?.map((name) => name.toLowerCase()) ?? namesOf(chain[0]),
    expiresAtMs: Math.min(...chain.map(({ validTo }) => Date.parse(validTo))),
    options,
    context: makeContext(options, file),
  }
}

const makeContext = (options: SecureContextOptions, file: string): SecureContext => {
  try {
    return createSecureContext(options)
  } catch (error) {
    throw new Error(`TLS with the certificate ${file} cannot be set up: ${messageOf(error)}`, { cause: error })
  }
}

const readKey = (pem: string, { key, passphrase }: Entry): ReturnType<typeof createPrivateKey> => {
  try {
    return createPrivateKey({ key: pem, ...(passphrase !== undefined && { passphrase }) })
  } catch (error) {
    const advice = pem.includes('ENCRYPTED') ? '. It is encrypted: set passphrase to the right one' : ''
    throw new Error(`The private key ${key} cannot be read: ${messageOf(error)}${advice}`, { cause: error })
  }
}

const readAuthorities = async (file: string): Promise<string> => {
  const pem = await readText(file, 'ca')
  certificatesIn(pem, file)
  return pem
}

const certificatesIn = (pem: string, file: string): [X509Certificate, ...X509Certificate[]] => {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? []
  const [first, ...others] = blocks.map((block) => {
    try {
      return new X509Certificate(block)
    } catch (error) {
      throw new Error(`The certificate ${file} cannot be read: ${messageOf(error)}`, { cause: error })
    }
  })
  if (first === undefined)
    throw new Error(`The certificate ${file} cannot be read: there is no "BEGIN CERTIFICATE" in it`)
  return [first, ...others]
}

const addRevoked = (revoked: RevokedCertificates, pem: string, file: string): void => {
  try {
    revoked.add(pem)
  } catch (error) {
    throw new Error(`The certificate revocation list ${file} cannot be read: ${messageOf(error)}`, { cause: error })
  }
}

/** The DNS names of a certificate. One without alternative names, as old ones are, is found by its common name. */
const namesOf = (certificate: X509Certificate): readonly string[] => {
  const names = dnsNames(alternativeNames(certificate.subjectAltName))
  if (names.length > 0 || certificate.subjectAltName !== undefined) return names
  const commonName = certificate.toLegacyObject().subject.CN as string | string[] | undefined
  return typeof commonName === 'string' ? [commonName.toLowerCase()] : []
}

const readText = async (file: string, value: string): Promise<string> => {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new Error(`The file ${file} (${value}) cannot be read: ${messageOf(error)}`, { cause: error })
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
