import type { SessionOwnership } from '../../src/kinds/session-ownership.ts'

/** The ownership of a single process: every claim is granted at once. */
export const localOwnership: SessionOwnership = { claim: () => undefined }
