import { z } from 'zod'

const file = z.string().min(1)

/**
 * Values of every listener with TLS. Spread them into its schema, and add `checkTlsOptions` with `superRefine`. Paths are relative to the
 * working directory.
 */
export const tlsOptions = {
  cert: file
    .optional()
    .describe(
      'File with the certificate of the server and its intermediate certificates, in PEM. Required unless `certificates` is set.',
    ),
  key: file.optional().describe('File with the private key of `cert`, in PEM.'),
  passphrase: z
    .string()
    .min(1)
    .optional()
    .describe('Decrypts `key`, and keys in `certificates` that have no `passphrase`.'),
  certificates: z
    .array(
      z.strictObject({
        names: z
          .array(z.string().min(1).max(253))
          .min(1)
          .optional()
          .describe('Server names (SNI) that get this certificate. Unset: the DNS names of the certificate.'),
        cert: file.describe('File with the certificate, in PEM.'),
        key: file.describe('File with its private key, in PEM.'),
        passphrase: z.string().min(1).optional().describe('Decrypts this key.'),
      }),
    )
    .max(1_000)
    .default([])
    .describe(
      'Further certificates, chosen by the server name that the client asks for (SNI). Clients that ask for none or another get ' +
        '`cert`, or the first of the list.',
    ),
  ca: z
    .union([file, z.array(file).min(1)])
    .optional()
    .describe('Files with the certificate authorities that client certificates are checked against, in PEM.'),
  crl: z
    .union([file, z.array(file).min(1)])
    .optional()
    .describe(
      'Files with certificate revocation lists, in PEM: one for each authority in the chain of a client certificate.',
    ),
  clientCertificates: z
    .enum(['none', 'request', 'require'])
    .default('none')
    .describe(
      '`none`: clients are not asked for a certificate. `request`: a client may have none, but a certificate that is not valid is ' +
        'refused. `require`: a client without a valid certificate is refused.',
    ),
  minimumVersion: z
    .enum(['TLSv1.2', 'TLSv1.3'])
    .default('TLSv1.2')
    .describe('The oldest version of TLS that is accepted.'),
  ciphers: z.string().min(1).optional().describe('Ciphers in the notation of OpenSSL. Unset: the default of Node.'),
  handshakesPerTurn: z
    .int()
    .min(1)
    .max(10_000)
    .default(8)
    .describe(
      'TLS handshakes that begin in one turn of the event loop. Each costs up to a millisecond; further ones wait, first in, first out.',
    ),
  reloadIntervalMs: z
    .int()
    .min(10)
    .max(86_400_000)
    .default(5_000)
    .describe(
      'The interval at which the files are checked for changes, in milliseconds. Changed files are loaded without closing a connection.',
    ),
}

const schema = z.object(tlsOptions)

export type TlsOptions = z.output<typeof schema>

/** Finds values that do not go together, for `superRefine`. */
export const checkTlsOptions = (config: TlsOptions, context: z.core.$RefinementCtx): void => {
  const problem = (path: keyof TlsOptions, message: string): void => {
    context.addIssue({ code: 'custom', path: [path], message })
  }
  if (config.cert === undefined && config.key !== undefined) problem('cert', 'missing: key is set without cert')
  if (config.cert !== undefined && config.key === undefined) problem('key', 'missing: cert is set without key')
  if (config.cert === undefined && config.certificates.length === 0) {
    problem('cert', 'missing: TLS needs a certificate. Set cert and key, or certificates')
  }
  if (config.clientCertificates === 'none') {
    const useless = 'without effect: client certificates are asked for only if clientCertificates is request or require'
    if (config.ca !== undefined) problem('ca', useless)
    if (config.crl !== undefined) problem('crl', useless)
  } else if (config.ca === undefined) {
    problem('ca', 'missing: without it every certificate of a public authority would be accepted')
  }
}

/** A value that may be one file or a list of them. */
export const asList = (files: string | readonly string[] | undefined): readonly string[] =>
  files === undefined ? [] : typeof files === 'string' ? [files] : files
