import { defineConfig } from 'vitest/config'

/** Smoke tests: real client programs against the real commands. They need mosquitto, mosquitto-clients and python3-paho-mqtt. */
export default defineConfig({
  test: { include: ['test/smoke/**/*.smoke.ts'], testTimeout: 300_000, hookTimeout: 300_000, fileParallelism: false },
})
