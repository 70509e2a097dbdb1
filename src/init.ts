/** `mqtt-jig init`: writes a system config to begin with. */

import { existsSync, writeFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { basename, extname, relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { exitCodes } from './command-line.ts'
import { ConfError } from './mosquitto-conf/conf-line.ts'
import { type ConvertedConf, convertConf } from './mosquitto-conf/convert-conf.ts'
import { type Certificate, secureConfigSource } from './secure-config.ts'
import { templateSource } from './template-source.ts'

const usage = (name: string): string => `Usage: ${name} [--local | --from MOSQUITTO.CONF] [FILE]

Writes a system config of a broker for the network: clients have a user name and a password, and connect by TCP or WebSocket.
Add a user with npx mqtt-jig passwd add NAME. Edit the file to change the broker.

  FILE         its name, which ends in .ts or .mjs; unless given, system.config.ts where Node can read TypeScript, and
               system.config.mjs otherwise
  --cert FILE  the certificate of the server, in PEM: the network has to use TLS then
  --key FILE   its private key, in PEM
  --local      write the broker as it comes instead: for this machine alone, without passwords
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
    writeFileSync(file, converted?.source ?? newConfigSource(command), { flag: 'wx' })
  } catch (error) {
    process.stderr.write(`${explain(error as NodeJS.ErrnoException, command.file, name)}\n`)
    return exitCodes.failed
  }
  const state = stateOf(converted)
  process.stdout.write(`Wrote ${command.file}. ${notesOf(converted, command)}${state}${nextStep(file)}\n`)
  return exitCodes.ok
}

/** The config of the package, as it is written in another package. */
export const systemConfigSource = (): string =>
  templateSource('system.config').replaceAll('npm run graph', 'npx mqtt-jig graph')

const newConfigSource = ({ local, certificate }: Command): string =>
  local ? systemConfigSource() : secureConfigSource(certificate)

interface Command {
  readonly help: boolean
  readonly file: string
  /** Whether the broker is for this machine alone. */
  readonly local: boolean
  readonly certificate: Certificate | undefined
  /** The path of a mosquitto.conf. */
  readonly from: string | undefined
}

const options = {
  cert: { type: 'string' },
  key: { type: 'string' },
  local: { type: 'boolean', default: false },
  from: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const

const parse = (args: readonly string[]): Command | { mistake: string } => {
  try {
    const { values, positionals } = parseArgs({ args: [...args], allowPositionals: true, options })
    const { help, local, from, cert, key } = values
    const [file = defaultName(), ...others] = positionals
    if (others.length > 0) return { mistake: 'Give the name of one file.' }
    if ((cert === undefined) !== (key === undefined)) return { mistake: 'Give --cert and --key together.' }
    if ([local, from !== undefined, cert !== undefined].filter(Boolean).length > 1) {
      return { mistake: 'Give one of --local, --from, or --cert and --key.' }
    }
    const certificate = cert === undefined || key === undefined ? undefined : { cert, key }
    if (/\.m?ts$|\.mjs$/.test(file)) return { help, file, local, certificate, from }
    return { mistake: `The name '${file}' ends in neither .ts nor .mjs.` }
  } catch (error) {
    return { mistake: (error as Error).message }
  }
}

/** Whether this machine has an address of IPv6. */
const hasIPv6 = (): boolean =>
  Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ family }) => family === 'IPv6'))

const notesOf = (converted: ConvertedConf | undefined, { local }: Command): string => {
  if (converted === undefined) return local ? '' : 'Add a user: npx mqtt-jig passwd add NAME. '
  const { notes } = converted
  if (notes === 0) return 'Every line was taken over. '
  const lines = notes === 1 ? '1 line was' : `${notes} lines were`
  return `Read the comments at its top: ${lines} not taken over, or not as written. `
}

/** Where the sessions and messages are. `data` is what the configs of the package say. */
const stateOf = (converted: ConvertedConf | undefined): string => {
  const data = converted === undefined ? 'data' : converted.data
  return data === undefined
    ? 'Sessions and messages are in memory and end with the broker. '
    : `Sessions and messages are kept in the directory ${data}. `
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
