import { defineConfig } from 'vitest/config'

/** `npm run clients`: client programs that others wrote, against a broker with passwords, TLS and WebSocket. */
export default defineConfig({
  test: {
    include: ['test/clients/**/*.clients.ts'],
    testTimeout: 300_000,
    hookTimeout: 600_000,
    fileParallelism: false,
    // Names the clients that are not installed.
    reporters: ['verbose'],
  },
})
