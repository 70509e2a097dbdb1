/** TLS of a listener. */

import type { ConfLine } from './conf-line.ts'
import type { Values } from './general-options.ts'
import type { ConfListener } from './group-conf.ts'
import type { Notes } from './notes.ts'
import { booleanOf, textOf } from './values.ts'

/** Why a listener cannot be taken over. */
export interface Skipped {
  readonly line: ConfLine
  readonly why: string
}

/**
 * The values of TLS of a listener.
 * @returns undefined if it has no TLS; why the listener must be left out if its TLS is not available: it must not become a listener
 * without TLS.
 */
export const tlsOf = ({ options }: ConfListener, notes: Notes): Values | Skipped | undefined => {
  const [cert, key] = [options.get('certfile'), options.get('keyfile')]
  const preShared = options.get('psk_hint')
  if (cert === undefined && key === undefined) {
    if (preShared !== undefined)
      return { line: preShared, why: 'there is no TLS with pre-shared keys: this listener is left out' }
    for (const name of ['cafile', 'capath', 'require_certificate']) {
      const line = options.get(name)
      if (line !== undefined && line.value !== 'false')
        notes.add(line, 'this has no effect without certfile and keyfile')
    }
    return undefined
  }
  if (cert === undefined || key === undefined) {
    return { line: (cert ?? key)!, why: 'certfile and keyfile belong together: this listener is left out' }
  }
  if (preShared !== undefined) notes.add(preShared, 'there is no TLS with pre-shared keys')
  const engine = options.get('tls_keyform')
  if (engine?.value === 'engine')
    return { line: engine, why: 'keys of engines cannot be used: this listener is left out' }
  const values: Values = { cert: textOf(cert), key: textOf(key) }
  Object.assign(values, clientCertificates(options, notes), versionOf(options, notes), ciphersOf(options, notes))
  for (const [name, why] of UNUSED) {
    const line = options.get(name)
    if (line !== undefined) notes.add(line, why)
  }
  return values
}

const UNUSED = [
  ['dhparamfile', 'Node chooses the parameters'],
  ['tls_engine', 'engines of OpenSSL cannot be used'],
  ['tls_engine_kpass_sha1', 'engines of OpenSSL cannot be used'],
  ['disable_client_cert_date_checks', 'the dates of client certificates are always checked'],
] as const

/** Options that take the user name out of the certificate. */
const IDENTITIES = ['use_identity_as_username', 'use_subject_as_username']

type Lines = ReadonlyMap<string, ConfLine>

const clientCertificates = (options: Lines, notes: Notes): Values => {
  const isOn = (name: string): boolean => {
    const line = options.get(name)
    return line !== undefined && booleanOf(line)
  }
  const [authorities, folder, revoked] = [options.get('cafile'), options.get('capath'), options.get('crlfile')]
  const named = IDENTITIES.some(isOn)
  if (!isOn('require_certificate') && !named) {
    if (authorities !== undefined && authorities.value !== options.get('certfile')?.value) {
      const why =
        'clients are not asked for certificates. If it holds intermediate certificates of certfile, append them to that file'
      notes.add(authorities, why)
    }
    for (const line of [folder, revoked])
      if (line !== undefined) notes.add(line, 'clients are not asked for certificates')
    return {}
  }
  if (folder !== undefined) notes.add(folder, 'put the certificates of this folder into one file, and name it in `ca`')
  if (folder === undefined && authorities === undefined) {
    const [line] = ['require_certificate', ...IDENTITIES].flatMap((name) => options.get(name) ?? [])
    notes.add(line!, 'no cafile says who signs the certificates of clients: put their authorities into `ca`')
  }
  const ca = authorities === undefined ? `${folder?.value ?? '.'}/ca.pem` : textOf(authorities)
  return { ca, ...(revoked !== undefined && { crl: textOf(revoked) }), clientCertificates: 'require' }
}

const versionOf = (options: Lines, notes: Notes): Values => {
  const line = options.get('tls_version')
  if (line === undefined) return {}
  const version = line.value.toLowerCase()
  if (version === 'tlsv1.3') return { minimumVersion: 'TLSv1.3' }
  if (version !== 'tlsv1.2') notes.add(line, 'TLS 1.2 is the oldest version')
  return { minimumVersion: 'TLSv1.2' }
}

const ciphersOf = (options: Lines, notes: Notes): Values => {
  const [older, newer] = [options.get('ciphers'), options.get('ciphers_tls1.3')]
  if (older !== undefined) return { ciphers: [older, newer].flatMap((line) => line?.value ?? []).join(':') }
  if (newer !== undefined) notes.add(newer, 'ciphers of TLS 1.3 are set together with those of TLS 1.2, in `ciphers`')
  return {}
}
