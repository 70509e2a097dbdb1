import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { clientCertificateConfig } from '../../components/client-certificate/config.ts'
import { httpAuthenticationConfig } from '../../components/http-authentication/config.ts'
import { jwtConfig } from '../../components/jwt/config.ts'

// They are not part of system.config.ts, whose components pages.test.ts checks.
test.each([
  ['client-certificate', clientCertificateConfig],
  ['http-authentication', httpAuthenticationConfig],
  ['jwt', jwtConfig],
])('the page of %s names every value of its config', (name, schema) => {
  const page = readFileSync(resolve(import.meta.dirname, `../../components/${name}/README.md`), 'utf8')
  const table = page.match(/^\| config \|(?:.*\n)+?\n/m)?.[0] ?? ''
  const documented = [...table.matchAll(/^\| `(\w+)` \|/gm)].map(([, key]) => key)
  expect(documented.sort()).toEqual(Object.keys(schema.shape).sort())
})
