import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { packageDirectory } from './command-line.ts'

/** A system config of this package, as it is written in another package. @param name `system.config`. */
export const templateSource = (name: string): string => {
  // In dist, the build has put a copy of the source there.
  const copy = fileURLToPath(new URL(`../${name}.template`, import.meta.url))
  const source = readFileSync(existsSync(copy) ? copy : resolve(packageDirectory(), `${name}.ts`), 'utf8')
  return source
    .replace(/'\.\/components\/([a-z0-9-]+)\/index\.ts'/g, "'mqtt-jig/components/$1'")
    .replace("'./src/system/define-system.ts'", "'mqtt-jig'")
}
