import { isAbsolute, relative } from 'node:path'
import type { CodeLoader } from './code-loader.ts'
import { LeakWatch } from './leak-watch.ts'
import { rootFor } from './loader.ts'

/**
 * Watches what components leave behind.
 * @param print called with a line for each kind of leak at one place.
 * @returns undefined if the loader cannot tell what a component is made of.
 */
export const watchLeaks = (
  { filesOf }: CodeLoader,
  configFile: string,
  print: (text: string) => void,
): LeakWatch | undefined => {
  if (filesOf === undefined) return undefined
  const root = rootFor(configFile)
  const shorten = (file: string): string => {
    const short = relative(root, file)
    return short.startsWith('..') || isAbsolute(short) ? file : short
  }
  return new LeakWatch({ filesOf, shorten, print })
}
