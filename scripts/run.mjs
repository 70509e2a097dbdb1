#!/usr/bin/env node
/**
 * Runs a TypeScript file of this repository without a build: `node scripts/run.mjs scripts/graph.ts --format svg`.
 *
 * Node 20 cannot strip types itself. Vite's module runner does it, and is here anyway because vitest stands on it.
 */
import { resolve } from 'node:path'
import { createServer, createServerModuleRunner } from 'vite'

const root = resolve(import.meta.dirname, '..')
const [file, ...args] = process.argv.slice(2)
if (file === undefined) {
  process.stderr.write('usage: node scripts/run.mjs FILE.ts [argument ...]\n')
  process.exit(2)
}
const server = await createServer({
  root,
  configFile: false,
  appType: 'custom',
  logLevel: 'error',
  server: { middlewareMode: true, hmr: false, ws: false, watch: null },
  optimizeDeps: { noDiscovery: true, include: [] },
})
const runner = createServerModuleRunner(server.environments.ssr, { hmr: false })
process.argv = [process.argv[0], resolve(file), ...args]
// A script exports `main`, which resolves with its exit code when it is done.
const { main } = await runner.import(resolve(file))
process.exitCode = await main(args)
await runner.close()
await server.close()
