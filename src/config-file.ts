/** Reads a system config: a module whose default export is the system, or JSON that changes the system of the package. */

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, extname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { shippedConfigFile } from './command-line.ts'
import { configInvalid } from './system/config-invalid.ts'
import type { ConfigProblem } from './system/config-problem.ts'
import { isPlainObject } from './system/plain-object.ts'
import { didYouMean, found, listed } from './system/suggestion.ts'
import { messageOf } from './system/system-error.ts'

/** Imports the module in a file, given by its absolute path. */
export type ImportModule = (file: string) => Promise<Readonly<Record<string, unknown>>>

/**
 * Reads a config file.
 * @param file its absolute path.
 * @returns the system config of the file, not checked yet.
 * @throws the error of the import; Error if there is no system in the file; SystemError CONFIG_INVALID with the problems of a
 * JSON file.
 */
export const readConfigFile = async (file: string, importModule: ImportModule): Promise<unknown> => {
  const { default: shipped } = await importModule(isJsonConfig(file) ? shippedConfigFile() : file)
  if (isJsonConfig(file)) return overlay(shipped as Entries, parseJson(readFileSync(file, 'utf8')), file, importModule)
  if (shipped === undefined)
    throw new Error('has no default export; it ends with `export default defineSystem({ ... })`')
  return shipped
}

/** Whether the file is JSON, which is read and not imported. */
export const isJsonConfig = (file: string): boolean => extname(file) === '.json'

/**
 * Imports a module by Node itself. When this code runs from its sources the import is Vite's, and reads TypeScript on every
 * version of Node.
 * @throws the error of the import; Error with advice if Node cannot read TypeScript.
 */
export const importByNode = async (file: string, query = ''): Promise<Readonly<Record<string, unknown>>> => {
  try {
    return await import(`${pathToFileURL(file).href}${query}`)
  } catch (error) {
    throw explain(error)
  }
}

const explain = (error: unknown): unknown => {
  const { code, message } = error as NodeJS.ErrnoException
  const [, file] = /^Unknown file extension "\.[cm]?ts" for (.*)$/.exec(message ?? '') ?? []
  if (code !== 'ERR_UNKNOWN_FILE_EXTENSION' || file === undefined) return error
  return new Error(
    `Node ${process.versions.node} cannot read TypeScript, in which ${file} is written: use Node 22.18 or newer, or write it in JavaScript (.mjs)`,
    { cause: error },
  )
}

type Entries = Readonly<Record<string, Readonly<Record<string, unknown>>>>

/** The file's content. Messages do not quote it: it may hold passwords. */
const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch (error) {
    const [, position] = /at position (\d+)/.exec(messageOf(error)) ?? []
    const before = text.slice(0, Number(position ?? 0)).split('\n')
    const place = position === undefined ? '' : ` at line ${before.length}, column ${(before.at(-1) ?? '').length + 1}`
    throw new Error(`is not valid JSON${place}; JSON has no comments, and no comma behind the last value`)
  }
}

/** The system of the package, changed by the entries of a JSON file. */
const overlay = async (shipped: Entries, json: unknown, file: string, importModule: ImportModule): Promise<unknown> => {
  if (!isPlainObject(json)) {
    throw new Error(
      `holds ${found(json)}; a config is an object of entries, like { "server": { "config": { "port": 1884 } } }`,
    )
  }
  const problems: ConfigProblem[] = []
  const entries: [string, unknown][] = Object.entries(shipped)
  for (const [name, entry] of Object.entries(json)) {
    const own = Object.hasOwn(shipped, name) ? shipped[name] : undefined
    if (own === undefined && isPlainObject(entry) && entry['component'] === undefined) {
      const known = didYouMean(name, Object.keys(shipped)) || `, which has ${listed(Object.keys(shipped), 'and')}`
      problems.push({ path: [name], message: `there is no '${name}' in the system of the package${known}; ${example}` })
      continue
    }
    try {
      entries.push([name, await readEntry(entry, own, file, importModule)])
    } catch (error) {
      problems.push({ path: [name, 'component'], message: messageOf(error) })
    }
  }
  if (problems.length > 0) throw configInvalid(problems)
  return Object.fromEntries(entries)
}

/** An entry with a component replaces the entry of its name. An entry without a component changes it. */
const readEntry = async (
  entry: unknown,
  own: Readonly<Record<string, unknown>> | undefined,
  file: string,
  importModule: ImportModule,
): Promise<unknown> => {
  if (!isPlainObject(entry)) return entry
  const { component } = entry
  if (typeof component === 'string')
    return { ...entry, component: await importComponent(component, file, importModule) }
  if (component !== undefined) {
    throw new Error(`found ${found(component)}; ${example}`)
  }
  const merged = (key: string): object => {
    if (entry[key] === undefined || !isPlainObject(entry[key])) return {}
    return { [key]: { ...(own?.[key] as object | undefined), ...entry[key] } }
  }
  return { ...own, ...entry, ...merged('config'), ...merged('dependencies') }
}

const example = 'JSON names a component by its module and its export: "./heartbeat.mjs#heartbeat"'

const importComponent = async (text: string, file: string, importModule: ImportModule): Promise<unknown> => {
  const [specifier = '', name] = text.split('#', 2)
  let exports: Readonly<Record<string, unknown>>
  try {
    exports = await importModule(locate(specifier, file))
  } catch (error) {
    throw new Error(`'${specifier}' does not load: ${messageOf(error)}`, { cause: error })
  }
  const names = Object.keys(exports).filter((each) => isComponent(exports[each]))
  const chosen = name ?? (names.length === 1 ? names[0] : undefined)
  if (chosen !== undefined && names.includes(chosen)) return exports[chosen]
  const which = names.length === 0 ? 'it exports no component' : `it exports ${listed(names, 'and')}`
  if (name === undefined) throw new Error(`'${specifier}' does not tell which component is meant: ${which}; ${example}`)
  throw new Error(`'${specifier}' exports no component '${name}'${didYouMean(name, names) || `: ${which}`}`)
}

const isComponent = (value: unknown): boolean =>
  isPlainObject(value) && typeof value['start'] === 'function' && value['provides'] !== undefined

/** The file of a module: beside the config, in a package that is installed there, or in this package. */
const locate = (specifier: string, file: string): string => {
  if (/^\.{0,2}\//.test(specifier)) return resolve(dirname(file), specifier)
  try {
    return createRequire(file).resolve(specifier)
  } catch (error) {
    if (!specifier.startsWith('mqtt-jig/')) throw error
    return createRequire(import.meta.url).resolve(specifier)
  }
}
