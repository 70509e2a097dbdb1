import { renameSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ModuleFolder } from '../../test/helpers/module-folder.ts'
import type { CodeLoader } from './code-loader.ts'
import type { LoadError } from './load-error.ts'
import { createModuleLoader } from './module-loader.ts'

/** What the modules under test leave behind: the order in which they were evaluated. */
const evaluations = globalThis as { evaluated?: string[] }
let folder: ModuleFolder
let directory: string
let loader: CodeLoader

const write = (name: string, text: string): void => folder.write(name, text)

/** A module that says when it is evaluated. */
const source = (name: string, ...lines: string[]): void =>
  write(name, [...lines, `globalThis.evaluated.push('${name}')`, ''].join('\n'))

const failure = async (): Promise<LoadError> => {
  const error = await loader.load().then(
    () => undefined,
    (error: LoadError) => error,
  )
  if (error === undefined) throw new Error('the load succeeded')
  return error
}

const evaluated = (): string[] => evaluations.evaluated!.splice(0)

beforeEach(async () => {
  folder = new ModuleFolder()
  directory = folder.directory
  evaluations.evaluated = []
  // config imports a and b; a imports leaf; b holds a singleton.
  source('leaf.ts', 'export const leaf: number = 1')
  source(
    'a.ts',
    "import { z } from 'zod'",
    "import { leaf } from './leaf.ts'",
    'export const a = z.number().parse(leaf)',
  )
  source('b.ts', 'export const b: object = {}')
  source('config.ts', "import { a } from './a.ts'", "import { b } from './b.ts'", 'export default { a, b }')
  loader = await createModuleLoader(directory, join(directory, 'config.ts'))
})

afterEach(async () => {
  await loader.close()
  folder.remove()
})

test('says which changed files a component is made of', async () => {
  write('leaf.ts', 'export const leaf: number = 1')
  write('a.ts', "import { leaf } from './leaf.ts'\nexport const a: object = { leaf }")
  write('index.ts', "export { a } from './a.ts'\nimport './b.ts'")
  write('config.ts', "import { a } from './index.ts'\nimport { b } from './b.ts'\nexport default { a, b }")
  const first = await loader.load()
  const { a } = first.config as { a: object }
  expect(first.filesOf?.(a)).toEqual([])
  write('leaf.ts', 'export const leaf: number = 2')
  write('b.ts', 'export const b: object = { changed: true }')
  const { config, changed, filesOf } = await loader.load()
  const parts = config as { a: object; b: object }
  expect(parts.a).not.toBe(a)
  expect(changed.toSorted()).toEqual(['b.ts', 'leaf.ts'])
  expect(filesOf?.(parts.a)).toEqual(['leaf.ts'])
  expect(filesOf?.(parts.b)).toEqual(['b.ts'])
  expect(filesOf?.({})).toEqual([])
})

test('loads the default export, with everything behind it', async () => {
  expect(loader.isStale()).toBe(true)
  const { config, changed } = await loader.load()
  expect(config).toEqual({ a: 1, b: {} })
  expect(changed).toEqual([])
  expect(evaluated()).toEqual(['leaf.ts', 'a.ts', 'b.ts', 'config.ts'])
  expect(loader.isStale()).toBe(false)
})

test('evaluates only a changed file and its importers; other modules keep their singletons', async () => {
  const before = (await loader.load()).config as { b: object }
  evaluated()
  source('leaf.ts', 'export const leaf: number = 2')
  expect(loader.isStale()).toBe(true)
  const { config, changed } = await loader.load()
  expect(config).toEqual({ a: 2, b: {} })
  expect((config as { b: object }).b).toBe(before.b)
  expect(changed).toEqual(['leaf.ts'])
  expect(evaluated()).toEqual(['leaf.ts', 'a.ts', 'config.ts'])
})

test('evaluates nothing when nothing changed', async () => {
  const before = await loader.load()
  evaluated()
  const after = await loader.load()
  expect(after.config).toBe(before.config)
  expect(after.changed).toEqual([])
  expect(evaluated()).toEqual([])
})

test('follows an import that is new, and one that is gone', async () => {
  await loader.load()
  source('extra.ts', 'export const extra = 10')
  source('b.ts', "import { extra } from './extra.ts'", 'export const b = extra')
  expect((await loader.load()).config).toEqual({ a: 1, b: 10 })
  source('extra.ts', 'export const extra = 11')
  expect((await loader.load()).config).toEqual({ a: 1, b: 11 })

  source('b.ts', 'export const b = 12')
  await loader.load()
  evaluated()
  // b does not import it any more, so its changes have no effect.
  source('extra.ts', 'export const extra = 13')
  await loader.load()
  expect(evaluated()).toEqual([])
  expect((await loader.load()).changed).toEqual([])
  expect(loader.isStale()).toBe(false)
})

test('a syntax error names file and line in plain text, and loads once it is fixed', async () => {
  await loader.load()
  source('leaf.ts', '', 'export const leaf = = 2')
  const error = await failure()
  expect(error.code).toBe('LOAD_FAILED')
  expect(error.message).toMatch(/^leaf\.ts:2:21: Unexpected token/)
  expect(error.message).not.toContain('\u001b')
  expect([error.file, error.line]).toEqual(['leaf.ts', 2])
  expect(loader.isStale()).toBe(true)

  source('leaf.ts', 'export const leaf = 3')
  const { config, changed } = await loader.load()
  expect(config).toEqual({ a: 3, b: {} })
  expect(changed).toEqual(['leaf.ts'])
})

test('a syntax error in the config itself, fixed', async () => {
  await loader.load()
  write('config.ts', 'export default {')
  expect((await failure()).message).toMatch(/^config\.ts:1:/)
  expect(loader.isStale()).toBe(true)
  source('config.ts', 'export default 5')
  expect((await loader.load()).config).toBe(5)
})

// Under vitest the lines of thrown errors are not those of the source; test/integration/dev-loop.slow.test.ts looks at them.
test('a module that throws is named, and evaluated again next time even when only its dependency changed', async () => {
  await loader.load()
  source('leaf.ts', 'interface Erased {', '  field: string', '}', "export const leaf = 'one'")
  const thrown = await failure()
  expect(thrown.message).toMatch(
    /^a\.ts:\d+:\d+: a schema refused a value \(ZodError\):\n\nthe value itself\n {2}Invalid input: expected number/,
  )
  source('leaf.ts', 'export const leaf = 4')
  expect((await loader.load()).config).toEqual({ a: 4, b: {} })
})

test('a second error after the first one, then both fixed', async () => {
  await loader.load()
  write('leaf.ts', 'throw new RangeError("too far")')
  expect((await failure()).message).toMatch(/^leaf\.ts:\d+:\d+: RangeError: too far$/)
  source('b.ts', 'export const b = 7')
  expect((await failure()).message).toMatch(/^leaf\.ts:\d+:\d+: RangeError: too far$/)
  source('leaf.ts', 'export const leaf = 8')
  const { config, changed } = await loader.load()
  expect(config).toEqual({ a: 8, b: 7 })
  expect(changed.toSorted()).toEqual(['b.ts', 'leaf.ts'])
})

test('a deleted file is missed by its importer, with the line, until it is back', async () => {
  await loader.load()
  renameSync(join(directory, 'leaf.ts'), join(directory, 'kept'))
  const error = await failure()
  expect(error.message).toBe('a.ts:2: imports leaf.ts, which does not exist')
  renameSync(join(directory, 'kept'), join(directory, 'leaf.ts'))
  expect((await loader.load()).config).toEqual({ a: 1, b: {} })
})

test('an import of a file that never existed, and then does', async () => {
  await loader.load()
  source('b.ts', "import { later } from './later.ts'", 'export const b = later')
  expect((await failure()).message).toBe('b.ts:1: imports later.ts, which does not exist')
  source('later.ts', 'export const later = 9')
  expect((await loader.load()).config).toEqual({ a: 1, b: 9 })
})

test('an import of a package that is not installed', async () => {
  await loader.load()
  source('b.ts', '', "import { b } from 'no-such-package-at-all'", 'export { b }')
  const error = await failure()
  expect(error.message).toBe('b.ts:2: imports no-such-package-at-all, which does not exist')
})

test('a file that is written while it is loaded counts as changed', async () => {
  await loader.load()
  // The module rewrites its own file when it is evaluated, after it was read.
  const file = join(directory, 'leaf.ts')
  write(
    'leaf.ts',
    `import { writeFileSync } from 'node:fs'
     export const leaf = 20
     writeFileSync(${JSON.stringify(file)}, 'export const leaf = 21')`,
  )
  expect((await loader.load()).config).toEqual({ a: 20, b: {} })
  expect(loader.isStale()).toBe(true)
  expect((await loader.load()).config).toEqual({ a: 21, b: {} })
})

test('a config without a default export is refused', async () => {
  write('config.ts', 'export const system = {}')
  expect((await failure()).message).toMatch(/^config\.ts: has no default export/)
})

test('a module that is imported dynamically is reloaded, without reloading others', async () => {
  source('lazy.ts', 'export const lazy = 1')
  source('b.ts', "export const b = async () => (await import('./lazy.ts')).lazy")
  const { config } = await loader.load()
  expect(await (config as { b: () => Promise<number> }).b()).toBe(1)
  evaluated()
  await loader.load()
  expect(evaluated()).toEqual([])
  source('lazy.ts', 'export const lazy = 2')
  const { config: next } = await loader.load()
  expect(await (next as { b: () => Promise<number> }).b()).toBe(2)
  expect(evaluated()).toEqual(['b.ts', 'config.ts', 'lazy.ts'])
})

test('a broken module that is no longer imported is forgotten, and evaluated again when it is', async () => {
  const globals = globalThis as { refused?: boolean }
  globals.refused = true
  source('extra.ts', "if (globalThis.refused) throw new Error('refused')", 'export const extra = 5')
  source('b.ts', "import { extra } from './extra.ts'", 'export const b = extra')
  await failure()
  source('b.ts', 'export const b = 6')
  expect((await loader.load()).config).toEqual({ a: 1, b: 6 })
  delete globals.refused
  source('b.ts', "import { extra } from './extra.ts'", 'export const b = extra')
  expect((await loader.load()).config).toEqual({ a: 1, b: 5 })
})

test('modules that import each other are reloaded together', async () => {
  source('b.ts', "import { other } from './other.ts'", 'export const b = () => other() + 1')
  source('other.ts', "import * as back from './b.ts'", "export const other = () => typeof back === 'object' ? 1 : 0")
  expect(((await loader.load()).config as { b: () => number }).b()).toBe(2)
  evaluated()
  source('other.ts', "import * as back from './b.ts'", "export const other = () => typeof back === 'object' ? 5 : 0")
  expect(((await loader.load()).config as { b: () => number }).b()).toBe(6)
  expect(evaluated().toSorted()).toEqual(['b.ts', 'config.ts', 'other.ts'])
})

test('a file outside the system is loaded with its imports, and its changes do not count as changes of the system', async () => {
  await loader.load()
  evaluated()
  source('tool.ts', "import { a } from './a.ts'", "import { help } from './help.ts'", 'export const sum = a + help')
  source('help.ts', 'export const help: number = 2')
  expect(await loader.loadFile(join(directory, 'tool.ts'))).toMatchObject({ sum: 3 })
  expect(evaluated()).toEqual(['help.ts', 'tool.ts'])
  source('help.ts', 'export const help: number = 3')
  expect(loader.isStale()).toBe(false)
  expect(await loader.loadFile(join(directory, 'tool.ts'))).toMatchObject({ sum: 4 })
  expect(evaluated()).toEqual(['help.ts', 'tool.ts'])
  expect(loader.isStale()).toBe(false)
  expect((await loader.load()).changed).toEqual([])
  expect(evaluated()).toEqual([])
})

test('what a file has in common with the system is loaded again when it changed, and the system stays stale', async () => {
  await loader.load()
  source('tool.ts', "import { leaf } from './leaf.ts'", 'export { leaf }')
  source('leaf.ts', 'export const leaf = 5')
  expect(await loader.loadFile(join(directory, 'tool.ts'))).toMatchObject({ leaf: 5 })
  expect(loader.isStale()).toBe(true)
  expect(await loader.load()).toMatchObject({ config: { a: 5, b: {} }, changed: ['leaf.ts'] })
  expect(loader.isStale()).toBe(false)
})

test('a file that is missing or does not load is named, and the system continues', async () => {
  await loader.load()
  const failureOf = (name: string) => loader.loadFile(join(directory, name)).catch(({ message }: Error) => message)
  expect(await failureOf('absent.ts')).toBe('there is no absent.ts')
  source('tool.ts', 'export const tool = {')
  expect(await failureOf('tool.ts')).toMatch(/^tool\.ts:\d+:/)
  expect(loader.isStale()).toBe(false)
  expect((await loader.load()).changed).toEqual([])
  source('tool.ts', 'export const tool = 1')
  expect(await loader.loadFile(join(directory, 'tool.ts'))).toMatchObject({ tool: 1 })
})
