import { isMissing } from '../go/loader.ts'

/**
 * Advice for an error about a package that is not installed: pictures need packages that mqtt-jig does not install.
 * @returns a sentence, or undefined for any other error.
 */
export const missingPackage = (error: unknown): string | undefined => {
  const name = ['graphviz-cli', '@resvg/resvg-js'].find((each) => isMissing(error, each))
  if (name === undefined) return undefined
  const picture = name === 'graphviz-cli' ? 'A picture' : 'A PNG'
  return `${picture} needs the package ${name}, which is not installed: npm install --save-dev ${name}. The formats dot, mermaid and json need no package.`
}
