/** One thing that is wrong with a system config. */
export interface ConfigProblem {
  /** Where: `['server', 'dependencies', 'pipeline', 1]`. */
  readonly path: readonly (string | number)[]
  /** What was found, what is needed and what would do, in a sentence. */
  readonly message: string
}
