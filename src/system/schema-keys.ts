/** The keys of a component's schema, as far as zod provides them. */

import type { z } from 'zod'

/** The part of zod's definition of a schema that is used here. */
export interface Definition {
  readonly type: string
  readonly shape?: Readonly<Record<string, z.ZodType>>
  readonly catchall?: z.ZodType
  readonly innerType?: z.ZodType
  readonly in?: z.ZodType
  readonly element?: z.ZodType
  readonly valueType?: z.ZodType
  readonly options?: readonly z.ZodType[]
  readonly left?: z.ZodType
  readonly right?: z.ZodType
}

/**
 * The definition of a schema without what wraps it: optional, default, readonly and the like. A pipe reads its input by its
 * first half.
 */
export const definitionOf = (schema: z.ZodType): Definition | undefined => {
  let { def } = schema as { def?: Definition }
  while (def?.innerType !== undefined || def?.in !== undefined) {
    def = ((def.innerType ?? def.in) as { def?: Definition }).def
  }
  return def
}

/** The schemas of a key of this schema, or of an index of its list. More than one in a union. */
export const schemasAt = (schemas: readonly z.ZodType[], key: string): readonly z.ZodType[] =>
  alternatives(schemas).flatMap(({ shape, element, valueType }) => {
    const schema = (shape !== undefined && Object.hasOwn(shape, key) ? shape[key] : undefined) ?? element ?? valueType
    return schema === undefined ? [] : [schema]
  })

/** The keys that the objects among these schemas have by name. */
export const keysOf = (schemas: readonly z.ZodType[]): readonly string[] => [
  ...new Set(alternatives(schemas).flatMap(({ shape }) => Object.keys(shape ?? {}))),
]

/** The definitions with unions and intersections taken apart. */
const alternatives = (schemas: readonly z.ZodType[]): readonly Definition[] =>
  schemas.flatMap((schema) => {
    const definition = definitionOf(schema)
    if (definition === undefined) return []
    const { options, left, right } = definition
    const inner = options ?? (left !== undefined && right !== undefined ? [left, right] : [])
    return inner.length === 0 ? [definition] : alternatives(inner)
  })
