/** TLS of a bridge. */

import type { Values } from './general-options.ts'
import type { Options } from './group-conf.ts'
import type { Notes } from './notes.ts'
import { booleanOf, textOf } from './values.ts'

/** @returns the values of TLS; undefined if the bridge has none; `left out` if its TLS is not available. */
export const bridgeTls = (options: Options, notes: Notes): Values | 'left out' | undefined => {
  for (const name of ['bridge_psk', 'bridge_identity']) {
    const line = options.get(name)
    if (line === undefined) continue
    notes.add(line, 'there is no TLS with pre-shared keys')
    return 'left out'
  }
  const [authorities, folder] = [options.get('bridge_cafile'), options.get('bridge_capath')]
  const [cert, key] = [options.get('bridge_certfile'), options.get('bridge_keyfile')]
  const system = options.get('bridge_tls_use_os_certs')
  const usesSystem = system !== undefined && booleanOf(system)
  if (authorities === undefined && folder === undefined && cert === undefined && !usesSystem) {
    for (const [name, line] of options)
      if (UNUSED.has(name)) notes.add(line, 'this has no effect without bridge_cafile')
    return undefined
  }
  const values: Values = {}
  if (authorities !== undefined) values['ca'] = textOf(authorities)
  else if (folder !== undefined) {
    values['ca'] = `${textOf(folder)}/ca.pem`
    notes.add(folder, 'put the certificates of this folder into one file, and name it in `ca`')
  } else if (usesSystem) notes.add(system, 'the certificate authorities are those of Node')
  if (cert !== undefined && key !== undefined) Object.assign(values, { cert: textOf(cert), key: textOf(key) })
  else
    for (const line of [cert, key])
      if (line !== undefined) notes.add(line, 'bridge_certfile and bridge_keyfile belong together')
  takeRest(options, values, notes)
  return values
}

const UNUSED = new Set([
  'bridge_keyfile',
  'bridge_tls_version',
  'bridge_insecure',
  'bridge_alpn',
  'bridge_require_ocsp',
])

const takeRest = (options: Options, values: Values, notes: Notes): void => {
  const version = options.get('bridge_tls_version')
  if (version !== undefined) {
    const text = textOf(version).toLowerCase()
    if (text === 'tlsv1.3') values['minimumVersion'] = 'TLSv1.3'
    else if (text !== 'tlsv1.2') notes.add(version, 'TLS 1.2 is the oldest version')
  }
  const insecure = options.get('bridge_insecure')
  if (insecure !== undefined && booleanOf(insecure)) {
    notes.add(insecure, 'the name in the certificate is always checked: `serverName` of `tls` is the name that it has')
  }
  for (const name of ['bridge_ciphers', 'bridge_ciphers_tls1.3', 'bridge_alpn', 'bridge_require_ocsp']) {
    const line = options.get(name)
    if (line !== undefined) notes.add(line, 'Node chooses: this cannot be set')
  }
}
