import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { defineConfig } from 'vitest/config'

/** The `paths` of tsconfig.json: what the package exports, by its source. */
const packageAliases = () => {
  const { compilerOptions } = JSON.parse(readFileSync(resolve(import.meta.dirname, 'tsconfig.json'), 'utf8')) as {
    readonly compilerOptions: { readonly paths: Readonly<Record<string, readonly [string]>> }
  }
  return Object.entries(compilerOptions.paths).map(([name, [file]]) => ({
    find: new RegExp(`^${name.replaceAll('.', '\\.').replace('*', '([^/]+)')}$`),
    replacement: resolve(import.meta.dirname, file).replace('*', '$1'),
  }))
}

/**
 * `npm test` is the fast set: no file named `*.slow.test.ts`, and small numbers everywhere (test/helpers/full-run.ts).
 * `npm run test:all` (`--mode all`) is everything.
 */
export default defineConfig(({ mode }) => ({
  // The examples import the package by its name, as tsconfig.json resolves it.
  resolve: { alias: packageAliases() },
  test: {
    include: ['{src,components,examples,scripts,bench,test}/**/*.test.ts'],
    exclude: mode === 'all' ? [] : ['**/*.slow.test.ts'],
    env: { TEST_SET: mode === 'all' ? 'all' : 'fast' },
    // Each worker loads a module once, and not for each file of tests, which would be a third of the time.
    pool: 'forks',
    isolate: false,
    // More than processors where there are two: many tests wait for the network or for time.
    maxWorkers: Math.max(3, availableParallelism() - 1),
    // Never setImmediate: a real clearImmediate that is given a fake one spoils Node's count of them for the whole process.
    fakeTimers: { toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'] },
    // For a machine that does other work at the same time.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 30_000, interval: 5 } },
    coverage: {
      provider: 'v8',
      include: ['{src,components}/**/*.ts'],
      exclude: ['**/*.test.ts'],
      // What the fast set reaches: it falls when a kind of behaviour has no test there any more.
      thresholds: { statements: 97, branches: 95, functions: 96, lines: 97 },
    },
  },
}))
