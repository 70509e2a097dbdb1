/** Parses a component's config with its zod schema and formats the issues. Also reports misspelt keys, which zod does not. */

import type { z } from 'zod'
import { isPlainObject } from './plain-object.ts'
import { problemsOfIssue } from './schema-issues.ts'
import { definitionOf } from './schema-keys.ts'
import { didYouMean, listed } from './suggestion.ts'
import { messageOf } from './system-error.ts'

type Path = readonly (string | number)[]
type Report = (path: Path, message: string) => void

/** Deeper than any config. Ends the walk of a config that contains itself. */
const deepest = 32

/**
 * @returns the parsed config; undefined if there are problems, which are reported. An omitted config is read as `{}`. Keys that
 * an object schema does not have are problems even if the schema would strip them: the compiler refuses them too, and `--set
 * server.prot=1884` must be reported. A schema that accepts any key uses `z.looseObject` or `.catchall`. Messages never contain
 * values of the config: they may be passwords.
 */
export const parseConfig = (schema: z.ZodType, config: unknown, report: Report): { value: unknown } | undefined => {
  const input = config === undefined ? {} : config
  let reported = false
  const reportHere: Report = (path, message) => {
    reported = true
    report(path, message)
  }
  try {
    const unknownKeys = new Set<string>()
    reportUnknownKeys(schema, input, [], (path, message) => {
      unknownKeys.add(JSON.stringify(path))
      reportHere(path, message)
    })
    const result = schema.safeParse(input)
    for (const issue of result.error?.issues ?? []) reportIssue(issue, unknownKeys, reportHere)
    return reported || !result.success ? undefined : { value: result.data }
  } catch (error) {
    // zod runs the refinements and transforms of the component here. It throws if one is asynchronous.
    const name = error instanceof Error ? error.constructor.name : undefined
    if (name === '$ZodAsyncError') report([], 'its schema is asynchronous; a config is checked synchronously')
    else report([], `its schema threw: ${messageOf(error)}`)
    return undefined
  }
}

const reportIssue = (issue: z.core.$ZodIssue, unknownKeys: ReadonlySet<string>, report: Report): void => {
  for (const { path, message } of problemsOfIssue(issue)) {
    // A key that the walk has found is reported already, together with the existing keys.
    if (issue.code !== 'unrecognized_keys' || !unknownKeys.has(JSON.stringify(path))) report(path, message)
  }
}

const reportUnknownKeys = (schema: z.ZodType, value: unknown, path: Path, report: Report): void => {
  const definition = definitionOf(schema)
  if (definition === undefined || path.length > deepest) return
  if (definition.type === 'array' && definition.element !== undefined && Array.isArray(value)) {
    for (const [index, item] of value.entries()) reportUnknownKeys(definition.element, item, [...path, index], report)
  }
  if (definition.type !== 'object' || definition.shape === undefined || !isPlainObject(value)) return
  const { shape } = definition
  const closed = definition.catchall === undefined || definitionOf(definition.catchall)?.type === 'never'
  for (const key of Object.keys(value)) {
    if (Object.hasOwn(shape, key)) reportUnknownKeys(shape[key]!, value[key], [...path, key], report)
    else if (closed)
      report([...path, key], `there is no '${key}' here${didYouMean(key, Object.keys(shape)) || known(shape)}`)
  }
}

const known = (shape: Readonly<Record<string, unknown>>): string =>
  Object.keys(shape).length === 0 ? '; nothing can be set' : `; known are ${listed(Object.keys(shape), 'and')}`
