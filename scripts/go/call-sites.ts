/** The places in the code that are on the stack now. */

import { fileURLToPath } from 'node:url'

/** The maximum number of frames that are looked at. */
const mostFrames = 50

/** A frame of the stack. */
export interface CallSite {
  /** The absolute path of a file, `node:net` for code of Node, or undefined. */
  readonly file: string | undefined
  /** Its position on the stack: `sourcePlaces` has the line at the same index. */
  readonly index: number
}

/** The stack, innermost first, without the frames of this file. Its lines are those of the code that runs, not of its source. */
export const callSites = (): readonly CallSite[] => {
  const { prepareStackTrace, stackTraceLimit } = Error
  Error.stackTraceLimit = mostFrames
  Error.prepareStackTrace = (_error, sites) => sites
  const holder: { stack?: unknown } = {}
  Error.captureStackTrace(holder, callSites)
  const sites = holder.stack as readonly NodeJS.CallSite[]
  Error.prepareStackTrace = prepareStackTrace
  Error.stackTraceLimit = stackTraceLimit
  return sites.map((site, index) => ({ file: pathOf(site), index }))
}

/**
 * The same stack as text, with the files and lines of the sources.
 * @returns `file:line` of the frames by their index, undefined for those without.
 */
export const sourcePlaces = (): readonly (string | undefined)[] => {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = mostFrames
  const holder: { stack?: unknown } = {}
  Error.captureStackTrace(holder, sourcePlaces)
  const text = String(holder.stack)
  Error.stackTraceLimit = stackTraceLimit
  const frames = text.split('\n').filter((line) => /^\s+at /.test(line))
  return frames.map((frame) => {
    const [, file, line] = /(?:\(|at (?:async )?)(?:file:\/\/)?(\/?[^()]+?):(\d+):\d+\)?$/.exec(frame.trim()) ?? []
    return file === undefined ? undefined : `${file}:${line}`
  })
}

const pathOf = (site: NodeJS.CallSite): string | undefined => {
  const name = site.getScriptNameOrSourceURL() || site.getFileName()
  if (typeof name !== 'string' || name === '') return undefined
  const path = name.startsWith('file://') ? fileURLToPath(name) : name
  return path.split('?')[0]
}
