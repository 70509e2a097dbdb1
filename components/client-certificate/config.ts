import { z } from 'zod'

/** A fingerprint or a serial number: hexadecimal digits, in upper or lower case, with or without colons. */
const hexadecimal = z
  .string()
  .regex(/^[\da-fA-F]{1,2}(:?[\da-fA-F]{1,2})*$/, 'hexadecimal digits, with or without colons')

export const clientCertificateConfig = z
  .strictObject({
    userName: z
      .enum(['commonName', 'subject', 'alternativeName'])
      .default('commonName')
      .describe('The part of the certificate that is the user name.'),
    alternativeNameType: z
      .enum(['DNS', 'URI', 'email', 'IP Address'])
      .optional()
      .describe('With `alternativeName`: its type. The certificate must have exactly one of it.'),
    groupsFromOrganizationalUnit: z
      .boolean()
      .default(false)
      .describe('Whether the organizational units (OU) of the subject are the groups of the user.'),
    userNameMustMatch: z
      .boolean()
      .default(true)
      .describe(
        'Whether the User Name of CONNECT, if there is one, must be that of the certificate. It is not used otherwise.',
      ),
    password: z
      .enum(['pass', 'ignore', 'deny'])
      .default('pass')
      .describe(
        'What becomes of a client that sends a password as well. `pass`: the next authenticators check it. `ignore`: the certificate ' +
          'is enough. `deny`: it is refused.',
      ),
    deniedFingerprints: z
      .array(hexadecimal.refine((text) => text.replaceAll(':', '').length === 64, 'SHA-256 has 64 hexadecimal digits'))
      .max(100_000)
      .default([])
      .describe('Certificates that are refused, by their SHA-256.'),
    deniedSerials: z.array(hexadecimal).max(100_000).default([]).describe('The same by serial number, of any issuer.'),
  })
  .superRefine(({ userName, alternativeNameType }, context) => {
    if ((userName === 'alternativeName') === (alternativeNameType !== undefined)) return
    const message = 'belongs to userName: alternativeName, which needs it'
    context.addIssue({ code: 'custom', path: ['alternativeNameType'], message })
  })

export type ClientCertificateConfig = z.output<typeof clientCertificateConfig>
