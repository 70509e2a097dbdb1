import type { HostProcess } from './host-process.ts'

/** How long open resources of a component may keep the process after its end, in milliseconds. */
const graceMs = 1_000

/** Node's names of stdin, stdout and stderr, which do not keep a process open. */
const standardStreams = new Set(['PipeWrap', 'TTYWrap'])

const tellPlainly = (text: string): void => {
  process.stderr.write(`${text}\n`)
}

/**
 * Lets the process end by itself with this code, so that pending output is written. If a resource keeps it open, reports the
 * resource and ends the process.
 * @param tell prints the report.
 */
export const leaveProcess = (code: number, tell = tellPlainly, host: HostProcess = process): void => {
  host.exitCode = code
  const timer = setTimeout(() => {
    const holders = host.getActiveResourcesInfo().filter((resource) => !standardStreams.has(resource))
    const what = [...new Set(holders)].join(', ') || 'unknown'
    tell(`Something that a component left open keeps the process from ending (${what}); ending it.`)
    host.exit(code)
  }, graceMs)
  timer.unref()
}
