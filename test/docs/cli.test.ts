import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { spec as client } from '../../src/cli/admin/client.ts'
import { spec as clients } from '../../src/cli/admin/clients.ts'
import { spec as disconnect } from '../../src/cli/admin/disconnect.ts'
import { spec as health } from '../../src/cli/admin/health.ts'
import { spec as log } from '../../src/cli/admin/log.ts'
import { spec as plan } from '../../src/cli/admin/plan.ts'
import { spec as reload } from '../../src/cli/admin/reload.ts'
import { spec as retained } from '../../src/cli/admin/retained.ts'
import { spec as status } from '../../src/cli/admin/status.ts'
import { spec as trace } from '../../src/cli/admin/trace.ts'
import { parseArguments } from '../../src/cli/arguments.ts'
import { spec as bench } from '../../src/cli/bench/bench.ts'
import { spec as completion } from '../../src/cli/completion.ts'
import { compileFormat } from '../../src/cli/format-message.ts'
import { spec as pub } from '../../src/cli/pub.ts'
import { spec as sub } from '../../src/cli/sub.ts'
import { commands } from '../../src/cli.ts'

const page = readFileSync(resolve(import.meta.dirname, '../../docs/cli.md'), 'utf8')
const specs = {
  ...{ pub, sub, bench, completion },
  ...{ health, status, plan, reload, clients, client, disconnect, retained, trace, log },
}

/** The words of a command line as a shell divides them, up to a redirection. */
const wordsOf = (line: string): string[] =>
  [...line.replace(/ > .*/, '').matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain!)

const examples = [...page.matchAll(/^\$ (?:.* \| )?mqtt-jig (.*)$/gm)].map(([, line]) => wordsOf(line!))

test.each(examples.map((words) => [words.join(' '), words] as const))(
  'the example mqtt-jig %s can be read',
  (_line, words) => {
    const [name, ...args] = words
    const spec = specs[name as keyof typeof specs]
    expect(spec, name).toBeDefined()
    const values = parseArguments(args, spec.options)
    const format = spec.options['format'] === undefined ? undefined : values.text('format')
    if (format !== undefined) compileFormat(format)
  },
)

test.each(Object.keys(specs))('%s has a section with an example', (name) => {
  expect(page).toContain(`\n## \`${name}\`\n`)
  expect(examples.some(([first]) => first === name)).toBe(true)
})

test('the page names every command', () => {
  for (const name of Object.keys(commands)) expect(page).toContain(`\`${name}\``)
})
