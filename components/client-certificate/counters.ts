/** Events since the start, for operators. The component does not use these numbers for decisions. */
export interface ClientCertificateCounters {
  /** Clients that were allowed. */
  allowed: number
  /** Clients without a certificate, or with a password, that were passed on. */
  passed: number
  /** Clients whose certificate is on a list of those that are denied. */
  deniedByList: number
  /** Clients that were refused for another reason. */
  denied: number
}

export const newClientCertificateCounters = (): ClientCertificateCounters => ({
  allowed: 0,
  passed: 0,
  deniedByList: 0,
  denied: 0,
})
