import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { openApiPage } from '../helpers/open-api-page.ts'

const page = readFileSync(resolve(import.meta.dirname, '../../docs/openapi.json'), 'utf8')

test('docs/openapi.json describes the admin API as it is: npm run openapi renews it', () => {
  expect(openApiPage()).toBe(page)
})

test('each route is described with its answer, and every reference leads somewhere', () => {
  const { paths, components } = JSON.parse(page) as {
    readonly paths: Readonly<Record<string, Readonly<Record<string, { summary?: string; responses: object }>>>>
    readonly components: { readonly schemas: Readonly<Record<string, object>> }
  }
  const routes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, route]) => ({ path, method, ...route })),
  )
  expect(routes.length).toBeGreaterThan(25)
  expect(routes.filter(({ summary, responses }) => !summary || Object.keys(responses).length < 2)).toEqual([])
  const references = [...page.matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name!)
  expect(references.filter((name) => components.schemas[name] === undefined)).toEqual([])
})
