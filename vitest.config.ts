import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['{src,components,scripts,test}/**/*.test.ts'],
    testTimeout: 20_000,
    hookTimeout: 20_000,
    coverage: { provider: 'v8', include: ['src/**', 'components/**'], exclude: ['**/*.test.ts'] },
  },
})
