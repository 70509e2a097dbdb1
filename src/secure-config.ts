import { templateSource } from './template-source.ts'

/** The files of a certificate and of its private key, in PEM. */
export interface Certificate {
  readonly cert: string
  readonly key: string
}

/** The config that `mqtt-jig init` writes. @param certificate undefined if there is none: the broker has no TLS then. */
export const secureConfigSource = (certificate?: Certificate): string => {
  const source = templateSource('secure.config')
  if (certificate === undefined) return source
  const { cert, key } = certificate
  return source
    .replace("cert: 'server.pem'", () => `cert: ${quote(cert)}`)
    .replace("key: 'server.key'", () => `key: ${quote(key)}`)
    .replace('const hasTls = false', 'const hasTls = true')
}

const quote = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
