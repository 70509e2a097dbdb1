import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['{src,components,scripts,test}/**/*.test.ts'],
    // Many tests wait for the network or for time: with two processors, vitest alone would take one.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    testTimeout: 20_000,
    hookTimeout: 20_000,
    coverage: { provider: 'v8', include: ['src/**', 'components/**'], exclude: ['**/*.test.ts'] },
  },
})
