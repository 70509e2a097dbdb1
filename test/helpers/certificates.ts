import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as x509 from '@peculiar/x509'

/** A certificate and its private key, in PEM. */
export interface KeyPair {
  readonly cert: string
  readonly key: string
  readonly serial: string
}

export interface LeafOptions {
  /** The subject, `CN=device-7,O=Example`, the most specific part first. */
  readonly subject?: string
  /** Alternative names. */
  readonly dns?: readonly string[]
  readonly uri?: readonly string[]
  readonly ip?: readonly string[]
  /** When it expires; in a year unless told otherwise. */
  readonly notAfter?: Date
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const YEAR_MS = 365 * 86_400_000

/** A certificate authority for tests. Its certificates use ECDSA, which takes a fifth of the time of RSA. */
export class TestAuthority {
  readonly name: string
  /** Its own certificate. */
  readonly cert: string
  readonly #keys: webcrypto.CryptoKeyPair
  #lastSerial = 0

  private constructor(name: string, cert: string, keys: webcrypto.CryptoKeyPair) {
    this.name = name
    this.cert = cert
    this.#keys = keys
  }

  static async create(name = 'CN=Test Authority'): Promise<TestAuthority> {
    x509.cryptoProvider.set(webcrypto)
    const keys = await newKeys()
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      serialNumber: '01',
      name,
      notBefore: new Date(Date.now() - 86_400_000),
      notAfter: new Date(Date.now() + 10 * YEAR_MS),
      signingAlgorithm: ALGORITHM,
      keys: keys,
      extensions: [
        new x509.BasicConstraintsExtension(true, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      ],
    })
    return new TestAuthority(name, certificate.toString('pem'), keys)
  }

  /** A certificate of a server for these DNS names, and for 127.0.0.1. */
  server(...dns: string[]): Promise<KeyPair> {
    return this.leaf({
      subject: `CN=${dns[0] ?? 'localhost'}`,
      dns: dns.length > 0 ? dns : ['localhost'],
      ip: ['127.0.0.1'],
    })
  }

  /** A certificate of a client with this common name. */
  client(commonName: string): Promise<KeyPair> {
    return this.leaf({ subject: `CN=${commonName}` })
  }

  async leaf({ subject = 'CN=leaf', dns = [], uri = [], ip = [], notAfter }: LeafOptions = {}): Promise<KeyPair> {
    this.#lastSerial += 1
    const serial = (0x1000 + this.#lastSerial).toString(16)
    const keys = await newKeys()
    const names = [
      ...dns.map((value) => ({ type: 'dns' as const, value })),
      ...uri.map((value) => ({ type: 'url' as const, value })),
      ...ip.map((value) => ({ type: 'ip' as const, value })),
    ]
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: serial,
      subject,
      issuer: this.name,
      notBefore: new Date(Date.now() - 86_400_000),
      notAfter: notAfter ?? new Date(Date.now() + YEAR_MS),
      signingAlgorithm: ALGORITHM,
      publicKey: keys.publicKey,
      signingKey: this.#keys.privateKey,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : []),
      ],
    })
    const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
    return { cert: certificate.toString('pem'), key: x509.PemConverter.encode(pkcs8, 'PRIVATE KEY'), serial }
  }

  /** A list that revokes these certificates. @param nextUpdate when it is out of date; in a year unless told otherwise. */
  async revoke(certificates: readonly KeyPair[], nextUpdate = new Date(Date.now() + YEAR_MS)): Promise<string> {
    const crl = await x509.X509CrlGenerator.create({
      issuer: this.name,
      thisUpdate: new Date(Date.now() - 86_400_000),
      nextUpdate,
      signingAlgorithm: ALGORITHM,
      signingKey: this.#keys.privateKey,
      entries: certificates.map(({ serial }) => ({
        serialNumber: serial,
        revocationDate: new Date(Date.now() - 3_600_000),
      })),
    })
    return x509.PemConverter.encode(crl.rawData, 'X509 CRL')
  }
}

const newKeys = (): Promise<webcrypto.CryptoKeyPair> =>
  webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']) as Promise<webcrypto.CryptoKeyPair>

let shared: Promise<{ authority: TestAuthority; server: KeyPair; client: KeyPair }> | undefined

/** An authority with a certificate of a server (localhost, 127.0.0.1) and of a client (device-1): made once for all tests of a worker. */
export const testCertificates = () => {
  shared ??= (async () => {
    const authority = await TestAuthority.create()
    const [server, client] = await Promise.all([authority.server(), authority.client('device-1')])
    return { authority, server, client }
  })()
  return shared
}

/** A folder for the files of a test. */
export class TestFiles {
  readonly folder = mkdtempSync(join(tmpdir(), 'mqtt-jig-'))

  /** Writes a file. @returns its path. */
  write(name: string, content: string): string {
    const path = join(this.folder, name)
    writeFileSync(path, content)
    return path
  }

  /** Writes `name.pem` and `name.key`. @returns their paths, as a config names them. */
  pair(name: string, { cert, key }: KeyPair): { cert: string; key: string } {
    return { cert: this.write(`${name}.pem`, cert), key: this.write(`${name}.key`, key) }
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}
