import type { Logger } from '../../src/kinds/logger.ts'
import type { JwtConfig } from './config.ts'
import type { JwtCounters } from './counters.ts'
import type { TrustedKeys } from './trusted-keys.ts'

/** Where the keys come from. */
export interface KeySource {
  /** The keys that are trusted; undefined as long as there are none. */
  readonly keys: TrustedKeys | undefined
  /** Resolves with the keys for a token that is checked now. @throws when there are none. */
  current(): TrustedKeys | Promise<TrustedKeys>
  /** A key was not found. @returns whether there may be others now. */
  renew(): Promise<boolean>
  /** Reads or fetches them again. @returns whether they changed. @throws when that fails; a file's keys from before stay. */
  refresh(): Promise<boolean>
  stop(): void
}

/** What a source needs. */
export interface KeySourceContext {
  readonly config: JwtConfig
  readonly log: Logger
  readonly counters: JwtCounters
  /** Keys were removed. */
  removed(): void
}
