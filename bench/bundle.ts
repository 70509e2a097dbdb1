import { join, resolve } from 'node:path'
import { build } from 'vite'
import { temporaryDirectory } from './temporary.ts'

const root = resolve(import.meta.dirname, '..')

/** Programs that run as processes of their own, by the names of their files. */
const entries = {
  generator: 'bench/generator/main.ts',
  relay: 'bench/relay/main.ts',
  aedes: 'bench/aedes/main.ts',
} as const

export interface Bundle {
  readonly generator: string
  readonly relay: string
  readonly aedes: string
}

/**
 * Compiles the programs that take part in a measurement to plain JavaScript, so that only their own code runs in their
 * processes. Packages are not bundled: Node finds them, since the folder is within the checkout.
 */
export const bundlePrograms = async (): Promise<Bundle> => {
  const directory = await compile(entries)
  const file = (name: keyof typeof entries) => join(directory, `${name}.mjs`)
  return { generator: file('generator'), relay: file('relay'), aedes: file('aedes') }
}

/** @param programs source files by name. @returns the folder with a NAME.mjs for each. */
export const compile = async (programs: Readonly<Record<string, string>>): Promise<string> => {
  const directory = temporaryDirectory(resolve(root, '.jig'))
  await build({
    root,
    configFile: false,
    logLevel: 'error',
    publicDir: false,
    build: {
      ssr: true,
      target: 'node20',
      outDir: directory,
      emptyOutDir: false,
      minify: false,
      rolldownOptions: {
        // A component for the built broker imports the build by the name of the package.
        external: /^mqtt-jig(?:\/|$)/,
        input: Object.fromEntries(Object.entries(programs).map(([name, file]) => [name, resolve(root, file)])),
        output: { entryFileNames: '[name].mjs', chunkFileNames: '[name]-[hash].mjs' },
      },
    },
  })
  return directory
}
