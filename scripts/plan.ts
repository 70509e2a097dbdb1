/** `mqtt-jig plan`, and `npm run plan` in a checkout: checks a config, and says what a start with it does. Starts nothing. */

import { writeFile } from 'node:fs/promises'
import { exitCodes, type Program, parseCommandLine } from '../src/command-line.ts'
import { systemGraph } from '../src/system/graph.ts'
import { createSystem } from '../src/system/lifecycle.ts'
import { configure } from '../src/system/settings.ts'
import { createLoader } from './go/loader.ts'
import { planText } from './go/reset-text.ts'
import { formatOf, writers } from './graph/formats.ts'
import { missingPackage } from './graph/missing-package.ts'

const program: Program = {
  name: 'npm run plan --',
  summary: 'Checks a config and says which components a start with it starts, in their order. Nothing is started.',
  options: {
    file: {
      type: 'string',
      value: 'FILE',
      description: 'draws the plan into a file as well: .svg, .png, .dot, .mmd or .json',
    },
  },
  notes: ['', 'What a change of the config does to a system that runs: plan() at the prompt of npm run go.'],
}

/** Runs the command line; resolves with the exit code. Errors are printed to stderr. */
export const main = async (args: readonly string[], called: Partial<Pick<Program, 'name'>> = {}): Promise<number> => {
  const line = parseCommandLine(args, { ...program, ...called })
  if (line.action === 'exit') {
    if (line.code === exitCodes.ok) console.log(line.text)
    else console.error(line.text)
    return line.code
  }
  const file = line.options['file']
  const format = typeof file === 'string' ? formatOf(file) : undefined
  if (typeof file === 'string' && format === undefined) {
    console.error(`The name '${file}' does not tell the format: .svg, .png, .dot, .mmd or .json.`)
    return exitCodes.usage
  }
  const { loader } = await createLoader(line.configFile)
  try {
    const config = configure((await loader.load()).config, line.settings, line.only)
    const plan = await createSystem(config).plan(config)
    console.log(planText(plan, process.stdout.isTTY === true && process.stdout.hasColors()))
    if (typeof file === 'string' && format !== undefined) {
      await writeFile(file, await writers[format](systemGraph(config, [], plan)))
      console.log(`Drawn in ${file}.`)
    }
    return exitCodes.ok
  } catch (error) {
    console.error(missingPackage(error) ?? (error instanceof Error ? error.message : error))
    return exitCodes.failed
  } finally {
    await loader.close()
  }
}
