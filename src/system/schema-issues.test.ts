import { expect, it } from 'vitest'
import { z } from 'zod'
import { problemsOfZodError, zodErrorLine, zodErrorText } from './schema-issues.ts'

const errorOf = (schema: z.ZodType, value: unknown): unknown => schema.safeParse(value).error

it('an error of a schema is a line and a text', () => {
  const error = errorOf(z.object({ port: z.number(), host: z.string() }), { port: 'x' })
  expect(zodErrorLine(error)).toMatch(/^port: Invalid input: .*; host: Invalid input/)
  expect(zodErrorText(error)).toMatch(/^a schema refused 2 values \(ZodError\):\n\n/)
  expect(zodErrorLine(errorOf(z.number(), 'x'))).toMatch(/^Invalid input/)
  expect(zodErrorText(errorOf(z.number(), 'x'))).toContain('a schema refused a value')
})

it('unknown keys are a problem each, and the alternatives of a union have their reasons', () => {
  expect(problemsOfZodError(errorOf(z.strictObject({}), { a: 1, b: 2 }))).toEqual([
    { path: ['a'], message: "there is no 'a' here" },
    { path: ['b'], message: "there is no 'b' here" },
  ])
  const union = z.union([z.object({ a: z.number() }), z.string()])
  const [problem] = problemsOfZodError(errorOf(z.object({ x: union }), { x: { a: 'no' } }))!
  expect(problem!.path).toEqual(['x'])
  expect(problem!.message).toMatch(/: a: Invalid input.*; or Invalid input/)
})

it.each([undefined, null, 'text', new Error('other'), { name: 'ZodError' }, { name: 'ZodError', issues: [1] }])(
  'any other error is none: %o',
  (error) => {
    expect([problemsOfZodError(error), zodErrorLine(error), zodErrorText(error)]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
  },
)
