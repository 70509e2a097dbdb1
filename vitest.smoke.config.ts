import { defineConfig } from 'vitest/config'

/** Smoke tests: real client programs against the real commands. They need mosquitto_pub and mosquitto_sub on PATH. */
export default defineConfig({
  test: { include: ['test/smoke/**/*.smoke.ts'], testTimeout: 60_000, hookTimeout: 60_000, fileParallelism: false },
})
