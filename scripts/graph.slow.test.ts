import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { SystemGraph } from '../src/system/graph.ts'
import { main } from './graph.ts'

const root = resolve(import.meta.dirname, '..')
const fixture = join(root, 'scripts/graph/fixtures/broker.config.ts')

let folder: string
beforeEach(() => {
  // In the repository, so that a config can import packages.
  mkdirSync(join(root, 'node_modules/.tmp'), { recursive: true })
  folder = mkdtempSync(join(root, 'node_modules/.tmp/graph-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

/** Runs `npm run graph -- ...` in the folder, without npm. */
const graph = async (...args: readonly string[]) => {
  const command = [join(root, 'scripts/run.mjs'), join(root, 'scripts/graph.ts'), ...args]
  const child = spawn(process.execPath, command, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
  return { stdout, stderr, code }
}

const written = (file: string): string => readFileSync(join(folder, file), 'utf8')

const config = (text: string): string => {
  writeFileSync(join(folder, 'own.config.ts'), text)
  return 'own.config.ts'
}

/** The same in this process, which is faster; for what neither writes to stdout nor looks at the working directory. */
const graphHere = async (...args: readonly string[]) => {
  const stdout = vi.spyOn(console, 'log').mockImplementation(() => {})
  const stderr = vi.spyOn(console, 'error').mockImplementation(() => {})
  try {
    const code = await main(args)
    return { stdout: stdout.mock.calls.join('\n'), stderr: stderr.mock.calls.join('\n'), code }
  } finally {
    vi.restoreAllMocks()
  }
}

describe('npm run graph', () => {
  it('writes DOT and SVG, and says so', async () => {
    const { stdout, stderr, code } = await graph('--config', fixture)
    expect({ stdout, stderr, code }).toEqual({
      stdout: 'system.dot: the system as DOT\nsystem.svg: the system as SVG\n',
      stderr: '',
      code: 0,
    })
    expect(readdirSync(folder).toSorted()).toEqual(['system.dot', 'system.svg'])
    expect(written('system.dot')).toMatch(/^digraph "7 components, 8 dependencies" {\n[\s\S]*}\n$/)
    expect(written('system.svg')).toMatch(/^<\?xml [\s\S]*>127\.0\.0\.1:1883<[\s\S]*<\/svg>\n$/)
  })

  it('draws a system that would not start, and tells on stderr why; stdout has the picture alone', async () => {
    const file = config(`import { broker } from '../../../scripts/graph/fixtures/broker.config.ts'
      const { server } = broker
      export default { ...broker, server: { ...server, dependencies: { pipeline: ['nobody'], logger: 'logger' } } }`)
    const { stdout, stderr, code } = await graph('--config', file, '--format', 'json', '--output', '-')
    expect(code).toBe(0)
    const drawn = JSON.parse(stdout) as SystemGraph
    expect(drawn.edges).toContainEqual(expect.objectContaining({ to: 'nobody', problem: 'no such component' }))
    expect(stderr).toMatch(/server\.dependencies\.pipeline\[0\]\s+there is no component 'nobody'/)
    expect(readdirSync(folder)).toEqual(['own.config.ts'])
  })

  it('takes the format from the name of the file, and settings as the other commands do', async () => {
    const file = join(folder, 'wiring.mmd')
    const { stdout, code } = await graphHere('--config', fixture, '--output', file, '--set', 'server.port=1884')
    expect({ stdout, code }).toEqual({ stdout: `${file}: the system as MERMAID`, code: 0 })
    expect(written('wiring.mmd')).toMatch(/^flowchart TB\n[\s\S]*127\.0\.0\.1:1884/)
  })

  it('tells which setting is wrong', async () => {
    const settings = ['--set', 'x.y=1', '--set', 'server.port=no']
    const { stderr, code } = await graphHere('--config', fixture, '--output', join(folder, 'a.dot'), ...settings)
    expect(code).toBe(0)
    expect(stderr).toMatch(/x\.y[\s\S]*there is no component 'x'/)
    expect(stderr).toMatch(/server\.config\.port\s[\s\S]*\(set by --set server\.port\)/)
  })

  it('fails when the config does not load, and says where', async () => {
    const file = join(folder, config('export default {\n  a: = 1\n}'))
    const { stdout, stderr, code } = await graphHere('--config', file, '--output', join(folder, 'system.dot'))
    expect({ stdout, code }).toEqual({ stdout: '', code: 1 })
    expect(stderr).toMatch(/own\.config\.ts:2:/)
    expect(stderr).not.toMatch(/\n\s+at /)
    expect(readdirSync(folder)).toEqual(['own.config.ts'])
  })

  it.each([
    [['--format', 'gif'], /no format 'gif'; there are dot, svg, png, json, mermaid/],
    [['--output', 'picture'], /'picture' does not tell which format/],
    [['--output'], /--output/],
    [['--config', 'no.config.ts'], /no\.config\.ts/],
  ])('refuses %j', async (args, message) => {
    const { stdout, stderr, code } = await graphHere('--config', fixture, ...args)
    expect({ stdout, code }).toEqual({ stdout: '', code: 2 })
    expect(stderr).toMatch(message)
  })

  it('fails when it cannot write', async () => {
    const { stderr, code } = await graphHere('--config', fixture, '--output', join(folder, 'nowhere/system.dot'))
    expect(code).toBe(1)
    expect(stderr).toMatch(/nowhere[/\\]system\.dot/)
  })
})
