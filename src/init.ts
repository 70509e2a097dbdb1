/** `mqtt-jig init`: writes a system config to begin with. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { basename, extname, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { exitCodes, packageDirectory } from './command-line.ts'
import { ConfError } from './mosquitto-conf/conf-line.ts'
import { type ConvertedConf, convertConf } from './mosquitto-conf/convert-conf.ts'

const usage = (name: string): string => `Usage: ${name} [--from MOSQUITTO.CONF] [FILE]

Writes a system config that is the broker as it comes: every component with its wiring. Edit it to change the broker.

  FILE         its name, which ends in .ts or .mjs; unless given, system.config.ts where Node can read TypeScript, and
               system.config.mjs otherwise
  --from FILE  take the listeners, the TLS, password and ACL files, and the limits of this mosquitto.conf and the files that
               it includes. Comments at the top name each line that could not be taken over, and why
  --help       print this and exit
`

/** @returns the exit code: 0, 1 when the file cannot be written, 2 for a wrong command. A file that exists is not changed. */
export const main = async (
  args: readonly string[],
  { name }: { readonly name: string } = { name: 'mqtt-jig init' },
): Promise<number> => {
  const command = parse(args)
  if ('mistake' in command) {
    process.stderr.write(`${command.mistake}\nTry: ${name} --help\n`)
    return exitCodes.usage
  }
  if (command.help) {
    process.stdout.write(usage(name))
    return exitCodes.ok
  }
  const file = resolve(command.file)
  let converted: ConvertedConf | undefined
  try {
    converted = command.from === undefined ? undefined : convertConf(command.from, hasIPv6())
  } catch (error) {
    if (!(error instanceof ConfError)) throw error
    process.stderr.write(`${error.message}\n`)
    return exitCodes.failed
  }
  try {
    writeFileSync(file, converted?.source ?? systemConfigSource(), { flag: 'wx' })
  } catch (error) {
    process.stderr.write(`${explain(error as NodeJS.ErrnoException, command.file, name)}\n`)
    return exitCodes.failed
  }
  process.stdout.write(`Wrote ${command.file}. ${notesOf(converted)}${nextStep(file)}\n`)
  return exitCodes.ok
}

/** The config of the package, as it is written in another package. */
export const systemConfigSource = (): string => {
  // In dist, the build has put a copy of the source there.
  const copy = fileURLToPath(new URL('../system.config.template', import.meta.url))
  const source = readFileSync(existsSync(copy) ? copy : resolve(packageDirectory(), 'system.config.ts'), 'utf8')
  return source
    .replace(/'\.\/components\/([a-z0-9-]+)\/index\.ts'/g, "'mqtt-jig/components/$1'")
    .replace("'./src/system/define-system.ts'", "'mqtt-jig'")
    .replaceAll('npm run graph', 'npx mqtt-jig graph')
}

const parse = (args: readonly string[]): Command | { mistake: string } => {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { help: { type: 'boolean', default: false }, from: { type: 'string' } },
    })
    const [file = defaultName(), ...others] = positionals
    if (others.length > 0) return { mistake: 'Give the name of one file.' }
    if (/\.m?ts$|\.mjs$/.test(file)) return { help: values.help, file, from: values.from }
    return { mistake: `The name '${file}' ends in neither .ts nor .mjs.` }
  } catch (error) {
    return { mistake: (error as Error).message }
  }
}

interface Command {
  readonly help: boolean
  readonly file: string
  /** The path of a mosquitto.conf. */
  readonly from: string | undefined
}

/** Whether this machine has an address of IPv6. */
const hasIPv6 = (): boolean =>
  Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ family }) => family === 'IPv6'))

const notesOf = (converted: ConvertedConf | undefined): string => {
  if (converted === undefined) return ''
  const { notes } = converted
  if (notes === 0) return 'Every line was taken over. '
  const lines = notes === 1 ? '1 line was' : `${notes} lines were`
  return `Read the comments at its top: ${lines} not taken over, or not as written. `
}

const canReadTypeScript = (): boolean => Boolean((process.features as { typescript?: unknown }).typescript)

const defaultName = (): string => (canReadTypeScript() ? 'system.config.ts' : 'system.config.mjs')

const explain = ({ code, message }: NodeJS.ErrnoException, file: string, name: string): string => {
  if (code === 'EEXIST') {
    const other = file === 'my.config.mjs' ? 'other.config.mjs' : 'my.config.mjs'
    return `${file} exists already and was not changed: remove it, or give another name, like ${name} ${other}.`
  }
  return `${file} cannot be written: ${message}`
}

/** The next steps, in the folder of the new file. */
const nextStep = (file: string): string => {
  const isDefault =
    ['system.config.ts', 'system.config.mjs'].includes(basename(file)) && resolve(basename(file)) === file
  const start = `npx mqtt-jig${isDefault ? '' : ` --config ${relative(process.cwd(), file)}`}`
  const install = existsSync(resolve('node_modules/mqtt-jig')) ? '' : 'Install what it imports: npm install mqtt-jig. '
  if (extname(file) !== '.mjs' && !canReadTypeScript()) {
    return `${install}Node ${process.versions.node} cannot read TypeScript: start it with Node 22.18 or newer, by ${start}.`
  }
  return `${install}Start the broker with it: ${start}`
}
