/** Errors while code is loaded, formatted for people: file, line and message. */

import { readFileSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { zodErrorText } from '../../src/system/schema-issues.ts'

/** Code or config that does not load. `message` starts with the place, as editors and terminals link it: `file:line:column`. */
export class LoadError extends Error {
  override readonly name = 'LoadError'
  readonly code = 'LOAD_FAILED'
  /** As shown to a person, relative where that is shorter; undefined when nothing says where it happened. */
  readonly file: string | undefined
  readonly line: number | undefined

  constructor(message: string, place: Place | undefined, cause: unknown) {
    super(message, { cause })
    this.file = place?.file
    this.line = place?.line
  }
}

interface Place {
  readonly file: string
  readonly line?: number | undefined
  readonly column?: number | undefined
}

/** The loader's data about its modules. */
export interface Modules {
  /** True for the absolute path of a file that the loader has read as source. */
  has(file: string): boolean
  /** The file that imports the module, if one is known. */
  importerOf(file: string): string | undefined
  /** A path as it is shown to a person. */
  shorten(file: string): string
}

/** Formats an error of Vite, or an error of the top level of a module. */
export const toLoadError = (error: unknown, modules: Modules): LoadError => {
  const raw = error instanceof Error ? error : new Error(String(error))
  const text = stripVTControlCharacters(raw.message).trim()
  const { what, where } = missingImport(text, modules) ?? syntaxError(raw, text) ?? thrown(raw, text, modules)
  const place = where && { ...where, file: modules.shorten(where.file) }
  const prefix = place === undefined ? '' : `${[place.file, place.line, place.column].filter(Boolean).join(':')}: `
  return new LoadError(`${prefix}${what}`, place, error)
}

interface Finding {
  readonly what: string
  readonly where: Place | undefined
}

/**
 * `Failed to load url ./gone.ts (resolved id: ./gone.ts) in /home/me/index.ts. Does the file exist?`, and for a package
 * `Cannot find module 'gone' imported from '/home/me/index.ts'`.
 */
const missingImport = (text: string, modules: Modules): Finding | undefined => {
  const missing =
    /^Failed to load url .* \(resolved id: (?<id>.*?)\)(?: in (?<importer>.*))?\. Does the file exist\?/.exec(text) ??
    /^Cannot find (?:module|package) '(?<id>.*?)' imported from '?(?<importer>.*?)'?$/m.exec(text)
  const { id, importer = modules.importerOf(id ?? '') } = missing?.groups ?? {}
  if (id === undefined) return undefined
  const file = importer !== undefined && id.startsWith('.') ? resolve(dirname(importer), id) : id
  const wanted = modules.shorten(file)
  if (importer === undefined) return { what: `there is no ${wanted}`, where: undefined }
  const line = lineOf(importer, basename(id))
  return { what: `imports ${wanted}, which does not exist`, where: { file: importer, line } }
}

/** An error of the transform: it names its file in `id`, and the place and the lines around it in the text. */
const syntaxError = (error: Error, text: string): Finding | undefined => {
  const { id, loc } = error as { id?: string; loc?: { line: number; column: number } }
  if (id === undefined) return undefined
  const [, line, column] = /:(\d+):(\d+)\s*\]/.exec(text) ?? []
  const what = text.replace(/^Transform failed with \d+ errors?:\s*/, '').replace(/^\[\w+\]\s*/, '')
  return {
    what,
    where: { file: id.split('?')[0]!, line: Number(line) || loc?.line, column: Number(column) || loc?.column },
  }
}

/** An error that a module threw while it was evaluated: the first frame in a module of ours is the place. */
const thrown = (error: Error, text: string, modules: Modules): Finding => {
  const what = zodErrorText(error) ?? `${error.name}: ${text}`
  for (const frame of (error.stack ?? '').split('\n')) {
    const [, file, line, column] = /(?:\(|at )(?:file:\/\/)?(\/?[^()]+?):(\d+):(\d+)\)?$/.exec(frame.trim()) ?? []
    if (file !== undefined && modules.has(file)) {
      return { what, where: { file, line: Number(line), column: Number(column) } }
    }
  }
  return { what, where: undefined }
}

const lineOf = (file: string, word: string): number | undefined => {
  try {
    const index = readFileSync(file, 'utf8')
      .split('\n')
      .findIndex((line) => line.includes(word))
    return index === -1 ? undefined : index + 1
  } catch {
    return undefined // The importer does not exist any more, so only its name is shown.
  }
}
