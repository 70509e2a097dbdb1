/** How long what a component left open may keep a process that is done, in milliseconds. */
const graceMs = 1_000

/** What Node calls stdin, stdout and stderr, which keep no process. */
const standardStreams = new Set(['PipeWrap', 'TTYWrap'])

const tellPlainly = (text: string): void => {
  process.stderr.write(`${text}\n`)
}

/**
 * Lets the process end by itself with this code, so that what is still in the pipes gets written; if something holds it,
 * says what and ends it.
 * @param tell takes the sentence that says what.
 */
export const leaveProcess = (code: number, tell = tellPlainly): void => {
  process.exitCode = code
  const timer = setTimeout(() => {
    const holders = process.getActiveResourcesInfo().filter((resource) => !standardStreams.has(resource))
    const what = [...new Set(holders)].join(', ') || 'unknown'
    tell(`Something that a component left open keeps the process from ending (${what}); ending it.`)
    process.exit(code)
  }, graceMs)
  timer.unref()
}
