import { counter, type Measure } from '../../system/define-system.ts'
import { DAY_MS } from './expiry-watch.ts'
import type { TlsAcceptor } from './tls-acceptor.ts'
import type { TlsContexts } from './tls-contexts.ts'

/** What operators read of the certificates of a listener. */
export const tlsMeasures = (contexts: TlsContexts, acceptor: TlsAcceptor): readonly Measure[] => {
  // The files are those of the config. A file may stand there twice, with different names.
  const files = [...new Set(contexts.current.certificates.map(({ file }) => file))]
  const days = files.map(
    (file): Measure => ({
      name: 'certificate_validity',
      help: 'Days until a certificate of the server, or an intermediate one in its file, expires.',
      unit: 'days',
      kind: 'gauge',
      labels: { certificate: file },
      read: () => daysLeft(contexts, file),
    }),
  )
  const reloads = 'Times that certificates were reloaded.'
  const failed = 'Times that changed certificates could not be loaded; the previous ones stay in force.'
  const revoked = 'Connected clients that were disconnected because their certificate was revoked.'
  return [
    ...days,
    counter('certificate_reloads', 'reloads', reloads, () => contexts.reloads),
    counter('failed_certificate_reloads', 'reloads', failed, () => contexts.failedReloads),
    counter('revoked_clients', 'clients', revoked, () => acceptor.revokedClients),
  ]
}

const daysLeft = ({ current }: TlsContexts, file: string): number => {
  const certificate = current.certificates.find((each) => each.file === file) ?? current.certificates[0]
  return (certificate.expiresAtMs - Date.now()) / DAY_MS
}
