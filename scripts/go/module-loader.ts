/**
 * Loads the system config and its code, and loads changed files and their importers again. All other modules stay as they are,
 * with their singletons. docs/adr/0002-reload-engine.md has the reasons.
 */

import { isAbsolute, relative } from 'node:path'
import { createServer, createServerModuleRunner, type ViteDevServer } from 'vite'
import type { EvaluatedModuleNode, ModuleRunner } from 'vite/module-runner'
import { type ImportModule, isJsonConfig, readConfigFile } from '../../src/config-file.ts'
import type { LoadedConfig } from '../../src/system/dev.ts'
import { messageOf, SystemError } from '../../src/system/system-error.ts'
import { createTurns } from '../../src/system/turns.ts'
import { type CodeLoader, type Stamp, stampOf } from './code-loader.ts'
import { LoadError, toLoadError } from './load-error.ts'
import { ModuleClosures, sources, withImports } from './module-closures.ts'

/**
 * @param root the directory that packages are looked up from and paths are shown relative to.
 * @param entry the absolute path of the system config.
 */
export const createModuleLoader = async (root: string, entry: string): Promise<CodeLoader> => {
  /** By file: its stamp when it was last read. Taken before the read, so that a file written meanwhile counts as changed. */
  const read = new Map<string, Stamp>()
  const server = await createVite(root, (file) => read.set(file, stampOf(file)))
  const environment = server.environments.ssr
  const runner = createServerModuleRunner(environment, { hmr: false })
  /** What changed since the last load that succeeded. */
  const changed = new Set<string>()
  /** Of the last load. */
  let closures = new ModuleClosures(runner)
  /** Whether the last load failed; true also before the first one. */
  let failed = true

  const isOutdatedNow = (file: string): boolean => read.get(file) !== stampOf(file)

  const knowledge = {
    has: (file: string) => read.has(file),
    importerOf: (file: string) => {
      const [module] = environment.moduleGraph.getModulesByFile(file) ?? []
      return [...(module?.importers ?? [])].find((importer) => importer.file !== null)?.file ?? undefined
    },
    shorten: (file: string) => shorten(root, file),
  }

  /** Files that are read and not imported. */
  const plainFiles = isJsonConfig(entry) ? [entry] : []

  const importModule: ImportModule = async (file) => {
    try {
      return await runner.import(file)
    } catch (error) {
      throw toLoadError(error, knowledge)
    }
  }

  /** The modules of the system. After a load that failed, which may have left some imports out, all that there are. */
  const systemModules = (): EvaluatedModuleNode[] => (failed ? sources(runner) : sourcesOf(runner, entry))

  /** Removes outdated modules, so that the next import evaluates them again. */
  const dropOutdated = async (): Promise<void> => {
    // Each file is looked at once: the clients of the running system wait meanwhile.
    const isOutdated = remembered(isOutdatedNow)
    for (const { file } of systemModules()) if (isOutdated(file)) changed.add(shorten(root, file))
    for (const file of plainFiles) if (read.has(file) && isOutdated(file)) changed.add(shorten(root, file))
    const modules = sources(runner)
    const broken = await brokenOf(modules)
    const outdated = modules.filter((module) => broken.has(module) || isOutdated(module.file))
    for (const module of withImporters(runner, outdated)) runner.evaluatedModules.invalidateModule(module)
    // What is compiled stays, also that of importers, but for these: all that was read, be it by a load that failed before
    // it came to evaluate it; and what is broken, in which an import that could not be resolved may be compiled.
    for (const file of read.keys()) if (isOutdated(file)) environment.moduleGraph.onFileChange(file)
    for (const { file } of broken) environment.moduleGraph.onFileChange(file)
  }

  const load = async (): Promise<LoadedConfig> => {
    await dropOutdated()
    closures = new ModuleClosures(runner)
    for (const file of plainFiles) read.set(file, stampOf(file))
    failed = true
    let config: unknown
    try {
      config = await readConfigFile(entry, importModule)
    } catch (error) {
      if (error instanceof LoadError || error instanceof SystemError) throw error
      const file = shorten(root, entry)
      throw new LoadError(`${file}: ${messageOf(error)}`, { file }, error)
    }
    const files = [...changed]
    const result = { config, changed: files, filesOf: filesAmong(closures, root, files) }
    failed = false
    changed.clear()
    return result
  }

  const loadFile = async (file: string): Promise<object> => {
    await dropOutdated()
    closures = new ModuleClosures(runner)
    return importModule(file)
  }

  const inTurn = createTurns()
  return {
    load: () => inTurn(load),
    loadFile: (file) => inTurn(() => loadFile(file)),
    isStale: () =>
      failed ||
      changed.size > 0 ||
      plainFiles.some(isOutdatedNow) ||
      systemModules().some(({ file }) => isOutdatedNow(file)),
    filesOf: (component) => filesOf(closures, component, plainFiles.length === 0 ? [entry] : []),
    close: async () => {
      await runner.close()
      await server.close()
    },
  }
}

/** @param onRead called before a file is read. */
const createVite = (root: string, onRead: (file: string) => void): Promise<ViteDevServer> =>
  createServer({
    root,
    configFile: false,
    appType: 'custom',
    logLevel: 'silent',
    server: { middlewareMode: true, hmr: false, ws: false, watch: null },
    optimizeDeps: { noDiscovery: true, include: [] },
    plugins: [
      {
        name: 'stamp-files',
        enforce: 'pre',
        load(id) {
          const file = id.split('?')[0]!
          onRead(file)
          return null
        },
      },
    ],
  })

/**
 * The modules whose evaluation failed, whichever import began it. A module whose evaluation is still under way does not count.
 */
const brokenOf = async (modules: readonly EvaluatedModuleNode[]): Promise<Set<EvaluatedModuleNode>> => {
  const later = new Promise<boolean>((resolve) => setImmediate(resolve, true))
  const broken = new Set<EvaluatedModuleNode>()
  for (const module of modules) {
    const succeeded = module.promise?.then(
      () => true,
      () => false,
    )
    if (!(await Promise.race([succeeded ?? false, later]))) broken.add(module)
  }
  return broken
}

/** A function that is called once for each file. */
const remembered = (ask: (file: string) => boolean): ((file: string) => boolean) => {
  const answers = new Map<string, boolean>()
  return (file) => {
    const answer = answers.get(file) ?? ask(file)
    answers.set(file, answer)
    return answer
  }
}

/** The modules and all that import them, directly or not. */
const withImporters = (runner: ModuleRunner, modules: readonly EvaluatedModuleNode[]): Set<EvaluatedModuleNode> => {
  // `imports` is what a module imported when it was last evaluated; `importers` also remembers what no longer does.
  const importers = new Map<string, EvaluatedModuleNode[]>()
  for (const importer of runner.evaluatedModules.idToModuleMap.values()) {
    for (const id of importer.imports) importers.set(id, [...(importers.get(id) ?? []), importer])
  }
  const found = new Set(modules)
  for (const module of found) for (const importer of importers.get(module.id) ?? []) found.add(importer)
  return found
}

/** The evaluated modules that this file imports, directly or not; all, if the file is not one of them. */
const sourcesOf = (runner: ModuleRunner, entry: string): EvaluatedModuleNode[] => {
  const modules = sources(runner)
  const first = modules.find(({ file }) => file === entry)
  if (first === undefined) return modules
  const imported = withImports(runner, first)
  return modules.filter((module) => imported.has(module))
}

/** A function that tells which of some files, as shown to a person, a component is made of. */
const filesAmong =
  (closures: ModuleClosures, root: string, files: readonly string[]) =>
  (component: object): readonly string[] => {
    if (files.length === 0) return []
    const made = new Set(closures.filesOf(component).map((file) => shorten(root, file)))
    return files.filter((file) => made.has(file))
  }

/** The files of a component. @param config where one that no module exports may be defined. */
const filesOf = (closures: ModuleClosures, component: object, config: readonly string[]): readonly string[] => {
  const files = closures.filesOf(component)
  return files.length === 0 ? config : files
}

/** A path relative to the root if it is below it. Other paths, and names of packages, are not changed. */
const shorten = (root: string, file: string): string => {
  const short = relative(root, file)
  return !isAbsolute(file) || short.startsWith('..') ? file : short
}
