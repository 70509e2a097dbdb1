import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { compile } from './compile.ts'

const root = resolve(import.meta.dirname, '../..')

/**
 * A system of `size` components: each of its own kind and with a config of its own, each needing up to six of those before
 * it, one as a list and one optionally.
 */
const generatedSystem = (size: number): string => {
  const kinds = Array.from({ length: size }, (_, index) => `kind<{ value${index}: number }>()('Kind${index}')`)
  const near = (index: number) =>
    Array.from({ length: 6 }, (_, step) => index - 1 - step * step).filter((need) => need >= 0)
  const wrap = (need: number, step: number) =>
    step === 1 ? `many(kind${need})` : step === 2 ? `optional(kind${need})` : `kind${need}`
  const components = kinds.map(
    (_, index) => `export const component${index} = defineComponent({
  provides: kind${index},
  needs: { ${near(index)
    .map((need, step) => `need${step}: ${wrap(need, step)}`)
    .join(', ')} },
  config: z.strictObject({ port: z.number().default(${index}), host: z.string(), tags: z.array(z.string()).default([]) }),
  start: ({ port }) => ({ value${index}: port }),
})`,
  )
  const entries = kinds.map((_, index) => {
    const wires = near(index).map((need, step) => `need${step}: ${step === 1 ? `['name${need}']` : `'name${need}'`}`)
    const dependencies = wires.length === 0 ? '' : `, dependencies: { ${wires.join(', ')} }`
    return `  name${index}: { component: component${index}, config: { host: 'localhost' }${dependencies} },`
  })
  return `import { z } from 'zod'
import { type SystemMap, defineComponent, defineSystem } from '../../../src/system/define-system.ts'
import { kind, many, optional } from '../../../src/system/kind.ts'

${kinds.map((made, index) => `const kind${index} = ${made}`).join('\n')}
void [many, optional]
${components.join('\n')}
export const system = defineSystem({
${entries.join('\n')}
})
export const last = (map: SystemMap<typeof system>): number => map.name${size - 1}.value${size - 1}
`
}

/** How much work the compiler had with a generated system, in types instantiated. */
const instantiations = async (size: number): Promise<number> => {
  mkdirSync(join(root, 'node_modules/.tmp'), { recursive: true })
  const folder = mkdtempSync(join(root, 'node_modules/.tmp/types-speed-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(join(folder, 'system.ts'), generatedSystem(size))
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ extends: join(root, 'tsconfig.json'), include: ['*.ts'], exclude: [] }),
  )
  const { output, ok } = await compile(folder, ['--extendedDiagnostics'])
  expect(ok, output).toBe(true)
  const count = /^Instantiations:\s+(\d+)$/m.exec(output)?.[1]
  expect(count, output).toBeDefined()
  return Number(count)
}

/** Three times what it took when this was written, when the zod schemas of an empty system took 77,000 of it. */
const mostInstantiations = 500_000

describe('type-checking a system', () => {
  it('of 64 components with 323 dependencies takes a bounded amount of work', async () => {
    expect(await instantiations(64)).toBeLessThan(mostInstantiations)
  })
})
