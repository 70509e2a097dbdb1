/** One thing that is wrong with a system config. */
export interface ConfigProblem {
  /** Where: `['server', 'dependencies', 'pipeline', 1]`. */
  readonly path: readonly (string | number)[]
  /** A sentence: what was found, what is needed and what would be valid. */
  readonly message: string
}

/** `server.dependencies.pipeline[1]` */
export const formatPath = (path: readonly (string | number)[]): string => {
  let text = ''
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`
    else if (!/^[\p{L}\p{N}_-]+$/u.test(step)) text += `[${JSON.stringify(step)}]`
    else text += text === '' ? step : `.${step}`
  }
  return text
}

/**
 * All problems as text, one to a paragraph, each with its place.
 * @param whole the subject of a problem without a path.
 */
export const formatProblems = (problems: readonly ConfigProblem[], whole = 'the system config'): string =>
  problems.map(({ path, message }) => `${formatPath(path) || whole}\n  ${message}`).join('\n\n')
