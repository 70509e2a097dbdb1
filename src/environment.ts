/** Settings from the environment: `MQTT_JIG__SERVER__PORT=1884` is `--set server.port=1884`. */

import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs'
import type { z } from 'zod'
import { entryKeys } from './system/check-entry.ts'
import { isPlainObject } from './system/plain-object.ts'
import { keysOf, schemasAt } from './system/schema-keys.ts'
import type { LateSetting, PlacedSetting } from './system/settings.ts'

/**
 * Two underscores: Kubernetes gives a container `MQTT_JIG_PORT` and others of that form when a service is called `mqtt-jig`.
 */
const prefix = 'MQTT_JIG__'
/** A variable with one underscore in place of the first two. No name that Kubernetes sets has two underscores. */
const misspelled = /^MQTT_JIG_[^_].*__/
const fileSuffix = '_FILE'
/** Longer than any key or certificate chain. In bytes. */
const longestSecret = 1_048_576

/**
 * The settings that the environment holds, in the order of their names.
 *
 * The name of a variable is the prefix and the path of the value. Two underscores stand for the dot. Letter case, `_` and `-` are
 * ignored when a name is compared with the keys of the config: `MQTT_JIG__PACKET_LOG__LEVEL` sets `packetLog.level`. With `_FILE`
 * behind its name a variable names a file that holds the value, unless the config has a key of that name.
 */
export const environmentSettings = (
  environment: Readonly<Record<string, string | undefined>>,
): readonly LateSetting[] =>
  Object.keys(environment)
    .filter((variable) => variable.startsWith(prefix) || misspelled.test(variable))
    .sort()
    .map((variable) => ({
      label: variable,
      origin: 'environment',
      find: (config) => find(config, variable, environment),
    }))

const find = (
  config: Readonly<Record<string, unknown>>,
  variable: string,
  environment: Readonly<Record<string, string | undefined>>,
): PlacedSetting | string => {
  if (!variable.startsWith(prefix)) {
    return `it would set nothing: two underscores follow MQTT_JIG; write ${prefix}${variable.slice('MQTT_JIG_'.length)}`
  }
  const [first = '', ...segments] = variable.slice(prefix.length).split('__')
  if (first === '' || segments.length === 0 || segments.includes('')) {
    return `it does not name a value of a component; write it as ${prefix}COMPONENT__KEY, like ${prefix}SERVER__PORT`
  }
  const name = keyFor(first, Object.keys(config)) ?? first
  const entry = Object.hasOwn(config, name) ? config[name] : undefined
  const { path, isFile } = pathIn(isPlainObject(entry) ? entry : {}, segments)
  const value = environment[variable] ?? ''
  if (!isFile) return { place: [name, ...path], secret: false, read: () => value }
  const twin = variable.slice(0, -fileSuffix.length)
  if (environment[twin] !== undefined) return `${twin} is set as well; set only one of the two`
  return { place: [name, ...path], secret: true, read: () => readSecret(value) }
}

/** The path in an entry that the segments name, and whether the last one means that the value is in a file. */
const pathIn = (
  entry: Readonly<Record<string, unknown>>,
  segments: readonly string[],
): { readonly path: readonly string[]; readonly isFile: boolean } => {
  const ofEntry = keyFor(segments[0]!, entryKeys)
  const path: string[] = ofEntry === undefined ? ['config'] : []
  let schemas: readonly z.ZodType[] = []
  let holder: unknown = entry
  if (ofEntry === undefined) ({ schemas, holder } = configOf(entry))
  for (const [index, segment] of segments.entries()) {
    const keys = [...(path.length === 0 ? entryKeys : keysOf(schemas)), ...ownKeys(holder)]
    const isLast = index === segments.length - 1
    const known = keyFor(segment, keys)
    if (isLast && known === undefined && segment.endsWith(fileSuffix) && segment !== fileSuffix) {
      const bare = segment.slice(0, -fileSuffix.length)
      return { path: [...path, keyFor(bare, keys) ?? bare], isFile: true }
    }
    const key = known ?? segment
    path.push(key)
    if (path.length === 1 && key === 'config') ({ schemas, holder } = configOf(entry))
    else {
      schemas = schemasAt(schemas, key)
      holder = isPlainObject(holder) && Object.hasOwn(holder, key) ? holder[key] : undefined
    }
  }
  return { path, isFile: false }
}

/** The schema of an entry's config, and the config as written. */
const configOf = (
  entry: Readonly<Record<string, unknown>>,
): { readonly schemas: readonly z.ZodType[]; readonly holder: unknown } => {
  const schema = (entry['component'] as { config?: z.ZodType } | null | undefined)?.config
  return { schemas: schema === undefined ? [] : [schema], holder: entry['config'] }
}

const ownKeys = (value: unknown): readonly string[] => (isPlainObject(value) ? Object.keys(value) : [])

/**
 * The key that a segment of a variable's name spells: the same key, or else the first that differs only in case, `_` and `-`.
 */
const keyFor = (segment: string, keys: readonly string[]): string | undefined =>
  keys.includes(segment) ? segment : keys.find((key) => simplified(key) === simplified(segment))

const simplified = (name: string): string => name.replace(/[-_]/g, '').toLowerCase()

/** Explanations of Node's error codes. */
const causes: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'this process may not read it',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of its path is not a folder',
}

/**
 * The text of a file without the line break at its end. Messages do not tell the path: it may be the secret itself, given by
 * mistake.
 * @throws Error if the text cannot be read.
 */
const readSecret = (path: string): string => {
  let bytes: Buffer
  try {
    const file = openSync(path, 'r')
    try {
      if (fstatSync(file).size > longestSecret) throw new Error(`it is larger than ${longestSecret} bytes`)
      bytes = readFileSync(file)
    } finally {
      closeSync(file)
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const cause = code === undefined ? message : `${code}, ${causes[code] ?? 'the operating system refused it'}`
    throw new Error(`the file that it names cannot be read: ${cause}`)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes).replace(/\r?\n$/, '')
  } catch {
    throw new Error('the file that it names is not text in UTF-8')
  }
}
