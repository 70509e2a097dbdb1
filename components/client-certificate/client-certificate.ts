import { Change, setting } from '../../src/collections/change.ts'
import { Listeners } from '../../src/collections/listeners.ts'
import type {
  AuthenticatedIdentity,
  AuthenticationAnswer,
  Authenticator,
  Credentials,
} from '../../src/kinds/authenticator.ts'
import type { PeerTls } from '../../src/kinds/peer.ts'
import { isUserName } from '../../src/mqtt/user-name.ts'
import type { ClientCertificateConfig } from './config.ts'
import { type ClientCertificateCounters, newClientCertificateCounters } from './counters.ts'
import { attributeValues } from './subject.ts'

const PASS: AuthenticationAnswer = { result: 'pass' }

interface Rules {
  config: ClientCertificateConfig
  fingerprints: ReadonlySet<string>
  serials: ReadonlySet<string>
}

/** Authenticates clients by the certificate that TLS has verified. A client without one is left to other authenticators. */
export class ClientCertificate implements Authenticator {
  readonly name: string
  readonly counters: ClientCertificateCounters = newClientCertificateCounters()
  readonly #listeners = new Listeners()
  readonly #rules: Rules

  constructor(name: string, config: ClientCertificateConfig) {
    this.name = name
    this.#rules = rulesOf(config)
  }

  onRevocation(listener: () => void): () => void {
    return this.#listeners.add(listener)
  }

  /** Prepares another config. Clients whose certificate it denies are disconnected when it is in force. */
  adjust(config: ClientCertificateConfig): Change {
    return new Change([setting(this.#rules, rulesOf(config))], { done: () => this.#listeners.call() })
  }

  authenticate({ userName, password, peer }: Credentials): AuthenticationAnswer {
    const certificate = certificateOf(peer.tls)
    if (certificate === undefined) return this.#pass()
    // Before anything else: a certificate that is denied stays denied, also with a password.
    if (this.#isListed(certificate)) {
      this.counters.deniedByList += 1
      return { result: 'deny', why: 'the certificate is on a list of those that are denied' }
    }
    const unknown = this.#unknownField(certificate)
    if (unknown !== undefined) {
      return this.#deny(
        `the proxy does not say the ${unknown} of the certificate, which may be on the list of those denied`,
      )
    }
    if (password !== undefined && this.#rules.config.password !== 'ignore') {
      if (this.#rules.config.password === 'pass') return this.#pass()
      return this.#deny('the client sent a password, which this listener does not check')
    }
    const name = this.#nameOf(certificate)
    if (!isUserName(name)) return this.#deny(`the certificate has no ${this.#field()} that can be a user name`)
    if (this.#rules.config.userNameMustMatch && userName !== undefined && userName !== name) {
      return this.#deny('the User Name of CONNECT is not that of the certificate')
    }
    this.counters.allowed += 1
    return { result: 'allow', userName: name, ...this.#groupsOf(certificate) }
  }

  /** Whether its certificate is still not denied. */
  accepts({ peer }: AuthenticatedIdentity): boolean {
    const certificate = certificateOf(peer.tls)
    return certificate !== undefined && !this.#isListed(certificate) && this.#unknownField(certificate) === undefined
  }

  /** A field that a list needs and that is not known, as of a certificate that a proxy has verified. */
  #unknownField({ fingerprint, serial }: PeerTls): string | undefined {
    if (this.#rules.fingerprints.size > 0 && fingerprint === undefined) return 'fingerprint'
    return this.#rules.serials.size > 0 && serial === undefined ? 'serial number' : undefined
  }

  #isListed({ fingerprint = '', serial = '' }: PeerTls): boolean {
    return this.#rules.fingerprints.has(digitsOf(fingerprint)) || this.#rules.serials.has(serialOf(serial))
  }

  #nameOf({ commonName, subject, alternativeNames = [] }: PeerTls): string | undefined {
    const { userName, alternativeNameType } = this.#rules.config
    if (userName === 'commonName') return commonName
    if (userName === 'subject') return subject
    const prefix = `${alternativeNameType}:`
    const names = alternativeNames.filter((name) => name.startsWith(prefix))
    // With several, it is not clear which one identifies the client.
    return names.length === 1 ? names[0]!.slice(prefix.length) : undefined
  }

  #field(): string {
    const { userName, alternativeNameType } = this.#rules.config
    if (userName === 'alternativeName') return `single alternative name of type ${alternativeNameType}`
    return userName === 'commonName' ? 'single common name' : 'subject'
  }

  #groupsOf({ subject = '' }: PeerTls): { readonly attributes?: { readonly groups: string[] } } {
    if (!this.#rules.config.groupsFromOrganizationalUnit) return {}
    const groups = attributeValues(subject, 'OU').filter((group) => group !== '')
    return groups.length === 0 ? {} : { attributes: { groups: [...groups] } }
  }

  #pass(): AuthenticationAnswer {
    this.counters.passed += 1
    return PASS
  }

  #deny(why: string): AuthenticationAnswer {
    this.counters.denied += 1
    return { result: 'deny', why }
  }
}

const rulesOf = (config: ClientCertificateConfig): Rules => ({
  config,
  fingerprints: new Set(config.deniedFingerprints.map(digitsOf)),
  serials: new Set(config.deniedSerials.map(serialOf)),
})

/** The certificate of the client, if it was verified. The server name alone is what the client asked for. */
const certificateOf = (tls: PeerTls | undefined): PeerTls | undefined => {
  if (tls === undefined) return undefined
  const { subject, commonName, serial, fingerprint, alternativeNames } = tls
  const fields = [subject, commonName, serial, fingerprint, alternativeNames]
  return fields.some((field) => field !== undefined) ? tls : undefined
}

const digitsOf = (text: string): string => text.replaceAll(':', '').toLowerCase()

/** Without zeros in front, which differ between programs. */
const serialOf = (text: string): string => digitsOf(text).replace(/^0+(?=.)/, '')
