/** Chooses the loader of a config and its code. */

import { dirname, extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { packageDirectory, shippedConfigFile } from '../../src/command-line.ts'
import type { CodeLoader } from './code-loader.ts'
import { createPlainLoader } from './plain-loader.ts'

/** Whether this code runs from its sources, in a checkout, rather than built, in an installed package. */
export const isCheckout = extname(fileURLToPath(import.meta.url)) === '.ts'

/** The folder that paths are shown relative to: that of the package in a checkout, that of the config elsewhere. */
export const rootFor = (configFile: string): string => (isCheckout ? packageDirectory() : dirname(configFile))

/**
 * The loader for a config: with Vite, which loads changed code again, or without where it is not installed.
 * @returns the loader, and a sentence for the user if some changes cannot be loaded.
 */
export const createLoader = async (
  configFile: string,
): Promise<{ readonly loader: CodeLoader; readonly notice?: string }> => {
  // The package's own config: nothing in it changes.
  if (!isCheckout && configFile === shippedConfigFile()) return { loader: createPlainLoader(configFile) }
  try {
    const { createModuleLoader } = await import('./module-loader.ts')
    return { loader: await createModuleLoader(rootFor(configFile), configFile) }
  } catch (error) {
    if (!isMissing(error, 'vite')) throw error
    const notice =
      'Vite is not installed: reset() reads the config file again, but not what it imports. npm install --save-dev vite changes that.'
    return { loader: createPlainLoader(configFile), notice }
  }
}

/** Whether the error says that a package is not installed. */
export const isMissing = (error: unknown, name: string): boolean => {
  const { code, message } = error as NodeJS.ErrnoException
  return code === 'ERR_MODULE_NOT_FOUND' && message.includes(`'${name}'`)
}
