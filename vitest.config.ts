import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

/**
 * `npm test` is the fast set: no file named `*.slow.test.ts`, and small numbers everywhere (test/helpers/full-run.ts).
 * `npm run test:all` (`--mode all`) is everything.
 */
export default defineConfig(({ mode }) => ({
  test: {
    include: ['{src,components,scripts,test}/**/*.test.ts'],
    exclude: mode === 'all' ? [] : ['**/*.slow.test.ts'],
    env: { TEST_SET: mode === 'all' ? 'all' : 'fast' },
    // Threads that load each module once, and not for each file of tests: loading would take half of the time.
    pool: 'threads',
    isolate: false,
    // Many tests wait for the network or for time: with two processors, vitest alone would take one.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    testTimeout: 20_000,
    hookTimeout: 20_000,
    coverage: { provider: 'v8', include: ['src/**', 'components/**'], exclude: ['**/*.test.ts'] },
  },
}))
