import type { AnySystemConfig } from './define-system.ts'

/** One thing that is wrong with a system config. */
export interface ConfigProblem {
  /** Where: `['server', 'dependencies', 'pipeline', 1]`. */
  readonly path: readonly (string | number)[]
  /** What was found, what is needed and what would do, in a sentence. */
  readonly message: string
}

/** `server.dependencies.pipeline[1]` */
export const formatPath = (path: readonly (string | number)[]): string => {
  throw new Error(`not implemented: ${path}`)
}

/** All problems as text, one to a paragraph, each with its place. */
export const formatProblems = (problems: readonly ConfigProblem[]): string => {
  throw new Error(`not implemented: ${problems}`)
}

/** What a config comes to once its schemas have applied defaults and coercions. */
export interface CheckedConfig {
  /** Empty when the system may start. */
  readonly problems: readonly ConfigProblem[]
  /** The parsed config of each component whose config is valid, by name. */
  readonly configs: Readonly<Record<string, unknown>>
}

/** Checks what TypeScript checked and what it cannot see, reporting everything that is wrong together. Starts nothing, never throws. */
export const checkConfig = (config: AnySystemConfig | unknown): CheckedConfig => {
  throw new Error(`not implemented: ${config}`)
}
