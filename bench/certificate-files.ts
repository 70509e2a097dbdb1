import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { testCertificates } from '../test/helpers/certificates.ts'

/** The files of a certificate of a server for 127.0.0.1, its private key, and the authority. */
export interface CertificateFiles {
  readonly cert: string
  readonly key: string
  readonly ca: string
}

/** Writes a certificate into a folder: the same for each broker of a run. */
export const certificateFiles = async (directory: string): Promise<CertificateFiles> => {
  const { authority, server } = await testCertificates()
  // Mosquitto reads the files as another user when root starts it.
  chmodSync(directory, 0o755)
  const write = (name: string, text: string): string => {
    const file = join(directory, name)
    writeFileSync(file, text, { mode: 0o644 })
    return file
  }
  return {
    cert: write('server.pem', server.cert),
    key: write('server.key', server.key),
    ca: write('ca.pem', authority.cert),
  }
}
