import { defineConfig } from 'vitest/config'

/** `npm run fuzz`: the codec against a million damaged streams. `FUZZ_CASES` and `FUZZ_SEED` are environment variables. */
export default defineConfig({
  test: { include: ['test/fuzz/**/*.fuzz.ts'], testTimeout: 3_600_000, reporters: ['verbose'] },
})
