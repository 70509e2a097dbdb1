/** Numbers since the start. They are only for reports. */
export interface AdminCounters {
  /** Requests that asked for something. */
  reads: number
  /** Requests to change something. */
  changes: number
  /** Requests that were denied, by the status. */
  readonly denied: Record<401 | 403 | 429, number>
}

export const newAdminCounters = (): AdminCounters => ({ reads: 0, changes: 0, denied: { 401: 0, 403: 0, 429: 0 } })
