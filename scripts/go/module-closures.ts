/** Which files a component is made of, from the modules that were evaluated. */

import type { EvaluatedModuleNode, ModuleRunner } from 'vite/module-runner'

/** The evaluated modules of our files. Packages are loaded by Node and never reloaded. */
export const sources = (runner: ModuleRunner): EvaluatedModuleNode[] =>
  [...runner.evaluatedModules.idToModuleMap.values()].filter(
    ({ meta }) => meta !== undefined && 'code' in meta && meta.file !== null,
  )

/** The module and all that it imports, directly or not, as of its last evaluation. */
export const withImports = (runner: ModuleRunner, module: EvaluatedModuleNode): Set<EvaluatedModuleNode> => {
  const found = new Set([module])
  for (const importer of found) {
    for (const id of importer.imports) {
      const imported = runner.evaluatedModules.getModuleById(id)
      if (imported !== undefined) found.add(imported)
    }
  }
  return found
}

/** The modules that export what, as of one load. Made when it is first asked, which takes some milliseconds. */
export class ModuleClosures {
  readonly #runner: ModuleRunner
  #exporters: ReadonlyMap<unknown, readonly EvaluatedModuleNode[]> | undefined
  readonly #closures = new Map<EvaluatedModuleNode, readonly string[]>()

  constructor(runner: ModuleRunner) {
    this.#runner = runner
  }

  /**
   * The files of the module that exports a value, and of all that it imports; its own comes first. Others may export the same value again.
   * @returns absolute paths; none if no module of ours exports it.
   */
  filesOf(value: object): readonly string[] {
    this.#exporters ??= exportersIn(sources(this.#runner))
    const closures = (this.#exporters.get(value) ?? []).map((module) => this.#closureOf(module))
    return closures.toSorted((a, b) => a.length - b.length)[0] ?? []
  }

  #closureOf(module: EvaluatedModuleNode): readonly string[] {
    const closure = this.#closures.get(module) ?? [...withImports(this.#runner, module)].map(({ file }) => file)
    this.#closures.set(module, closure)
    return closure
  }
}

const exportersIn = (modules: readonly EvaluatedModuleNode[]): Map<unknown, readonly EvaluatedModuleNode[]> => {
  const exporters = new Map<unknown, EvaluatedModuleNode[]>()
  for (const module of modules) {
    for (const value of new Set(Object.values((module.exports ?? {}) as object))) {
      if (typeof value !== 'object' && typeof value !== 'function') continue
      const known = exporters.get(value)
      if (known === undefined) exporters.set(value, [module])
      else known.push(module)
    }
  }
  return exporters
}
