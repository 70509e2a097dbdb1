/** `mqtt-jig graph`, and `npm run graph` in a checkout: draws the wiring of a system, even if it is invalid. */
import { writeFile } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { exitCodes, type Program, parseCommandLine } from '../src/command-line.ts'
import { formatProblems } from '../src/system/check-config.ts'
import { type SystemGraph, systemGraph } from '../src/system/graph.ts'
import { checkSettings } from '../src/system/settings.ts'
import { createLoader } from './go/loader.ts'
import { extensions, type Format, formatOf, writers } from './graph/formats.ts'
import { missingPackage } from './graph/missing-package.ts'

const program: Program = {
  name: 'npm run graph --',
  summary:
    'Draws the components of a system and what each depends on: system.dot and system.svg, unless told otherwise.',
  options: {
    format: { type: 'string', value: 'FORMAT', description: `one of ${Object.keys(writers).join(', ')}` },
    output: {
      type: 'string',
      value: 'FILE',
      description: 'where to write, - for stdout; its extension chooses the format',
    },
  },
  notes: [
    '',
    'A config with problems is drawn all the same: what is wrong is red, the problems go to stderr, and the exit code is 0.',
  ],
}

/** The command in a checkout. */
const byNpm: Program = {
  ...program,
  notes: [
    ...(program.notes ?? []),
    'To pipe the output, keep npm quiet: npm run --silent graph -- --output - | dot -Tpdf > system.pdf',
  ],
}

/** One file to write, or stdout when it is `-`. */
interface Output {
  readonly file: string
  readonly format: Format
  /** Not requested by the user: omitted if its package is not installed. */
  readonly optional?: boolean
}

/** Runs the command line; resolves with the exit code. Errors are printed to stderr. */
export const main = async (args: readonly string[], called: Partial<Pick<Program, 'name'>> = {}): Promise<number> => {
  const line = parseCommandLine(args, called.name === undefined ? byNpm : { ...program, ...called })
  if (line.action === 'exit') {
    if (line.code === exitCodes.ok) console.log(line.text)
    else console.error(line.text)
    return line.code
  }
  const outputs = outputsFor(line.options['format'], line.options['output'])
  if (typeof outputs === 'string') {
    console.error(outputs)
    return exitCodes.usage
  }
  try {
    const { config, problems } = checkSettings(await load(line.configFile), line.settings, line.only)
    const graph = systemGraph(config)
    for (const output of outputs) await draw(output, graph)
    if (problems.length > 0) console.error(`The config has problems:\n\n${formatProblems(problems)}`)
    return exitCodes.ok
  } catch (error) {
    console.error(missingPackage(error) ?? (error instanceof Error ? error.message : error))
    return exitCodes.failed
  }
}

/** The files to write, or the problem of the options. */
const outputsFor = (format: unknown, file: unknown): readonly Output[] | string => {
  const formats = Object.keys(writers).join(', ')
  if (format !== undefined && !isFormat(format)) return `There is no format '${format}'; there are ${formats}.`
  if (typeof file !== 'string') {
    return (format === undefined ? (['dot', 'svg'] as const) : [format]).map((each) => ({
      file: `system${Object.keys(extensions).find((extension) => extensions[extension] === each)}`,
      format: each,
      optional: format === undefined && each === 'svg',
    }))
  }
  const chosen = format ?? (file === '-' ? 'dot' : formatOf(file))
  return chosen === undefined
    ? `The name '${file}' does not tell which format is meant: add --format with one of ${formats}.`
    : [{ file, format: chosen }]
}

const isFormat = (name: unknown): name is Format => typeof name === 'string' && Object.hasOwn(writers, name)

const load = async (configFile: string): Promise<unknown> => {
  const { loader } = await createLoader(configFile)
  try {
    return (await loader.load()).config
  } finally {
    await loader.close()
  }
}

const draw = async (output: Output, graph: SystemGraph): Promise<void> => {
  let content: string | Buffer
  try {
    content = await writers[output.format](graph)
  } catch (error) {
    const missing = missingPackage(error)
    if (missing === undefined || !output.optional) throw error
    console.error(`${output.file} was not drawn. ${missing}`)
    return
  }
  await write(output, content)
}

const write = async ({ file, format }: Output, content: string | Buffer): Promise<void> => {
  if (file !== '-') {
    await writeFile(file, content)
    console.log(`${file}: the system as ${format.toUpperCase()}`)
    return
  }
  try {
    await pipeline(Readable.from([content]), process.stdout, { end: false })
  } catch (error) {
    // The reader has ended, as `head` does.
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error
  }
}
