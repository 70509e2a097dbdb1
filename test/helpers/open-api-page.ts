/** `npm run openapi`: writes docs/openapi.json, the description of the admin API. */

import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { createApp } from '../../components/admin/app.ts'
import { openApiDocument } from '../../components/admin/open-api-document.ts'

const page = resolve(import.meta.dirname, '../../docs/openapi.json')

export const main = async (): Promise<number> => {
  writeFileSync(page, openApiPage())
  process.stdout.write('docs/openapi.json is written\n')
  return 0
}

/** The file as the routes describe themselves now. The parts of a broker are not used before a request comes. */
export const openApiPage = (): string => {
  const [parts, guard] = [{}, {}] as Parameters<typeof createApp>
  return `${JSON.stringify(openApiDocument(createApp(parts, guard)), null, 2)}\n`
}
