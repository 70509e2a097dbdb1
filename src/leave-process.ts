/** How long what a component left open may keep a process that is done, in milliseconds. */
const graceMs = 1_000

/**
 * Lets the process end by itself with this code, so that what is still in the pipes gets written; if something holds it,
 * says what and ends it.
 */
export const leaveProcess = (code: number): void => {
  process.exitCode = code
  const timer = setTimeout(() => {
    const holders = [...new Set(process.getActiveResourcesInfo())].filter((holder) => holder !== 'Timeout')
    const what = holders.length === 0 ? 'a timer' : holders.join(', ')
    process.stderr.write(`Something that a component left open keeps the process from ending: ${what}. Ending it.\n`)
    process.exit(code)
  }, graceMs)
  timer.unref()
}
