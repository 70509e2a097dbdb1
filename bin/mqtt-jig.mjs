#!/usr/bin/env node
/**
 * Runs the built command. In a checkout where the sources are newer than the build, or there is none, runs the sources.
 */
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const built = join(root, 'dist/src/cli.js')
const sources = join(root, 'src/cli.ts')
const runner = join(root, 'scripts/run.mjs')
const args = process.argv.slice(2)

/** Whether TypeScript can be run: in a checkout with its development dependencies. */
const canRunSources = () => existsSync(sources) && existsSync(runner) && existsSync(join(root, 'node_modules/vite'))

/** The time of the newest source file, in milliseconds; 0 where no sources are shipped. */
const newestSource = () => {
  let newest = 0
  const visit = (path) => {
    const stats = statSync(path, { throwIfNoEntry: false })
    if (stats?.isDirectory()) for (const name of readdirSync(path)) visit(join(path, name))
    else if (stats !== undefined && !path.endsWith('.test.ts') && stats.mtimeMs > newest) newest = stats.mtimeMs
  }
  for (const path of [
    'src',
    'components',
    'scripts/go',
    'scripts/go.ts',
    'scripts/graph.ts',
    'system.config.ts',
    'secure.config.ts',
  ])
    visit(join(root, path))
  return newest
}

const isBuilt = existsSync(built)
const isStale = isBuilt && newestSource() > statSync(built).mtimeMs
// The build cannot read a config in TypeScript where Node cannot. The prompt is for those who change the sources.
const needsSources =
  args[0] === 'go' ||
  args[0] === 'graph' ||
  (!process.features.typescript && args.some((arg) => /\.[cm]?ts$/.test(arg)))

if (canRunSources() && (!isBuilt || isStale || needsSources)) {
  process.argv = [process.argv[0], runner, sources, ...args]
  await import(pathToFileURL(runner).href)
} else if (isBuilt) {
  if (isStale)
    process.stderr.write('The sources are newer than the build in dist, which is run: npm run build renews it.\n')
  const { main } = await import(pathToFileURL(built).href)
  process.exitCode = await main(args)
} else {
  process.stderr.write(
    'Nothing is built and the development dependencies are not installed: run npm install and npm run build.\n',
  )
  process.exitCode = 1
}
