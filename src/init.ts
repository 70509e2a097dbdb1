/** `mqtt-jig init`: writes a system config to begin with. */

import { existsSync, writeFileSync } from 'node:fs'
import { basename, extname, relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { exitCodes } from './command-line.ts'
import { type Certificate, secureConfigSource } from './secure-config.ts'
import { templateSource } from './template-source.ts'

const usage = (name: string): string => `Usage: ${name} [FILE]

Writes a system config of a broker for the network: clients have a user name and a password, and connect by TCP or WebSocket.
Add a user with npx mqtt-jig passwd add NAME. Edit the file to change the broker.

  FILE         its name, which ends in .ts or .mjs; unless given, system.config.ts where Node can read TypeScript, and
               system.config.mjs otherwise
  --cert FILE  the certificate of the server, in PEM: the network has to use TLS then
  --key FILE   its private key, in PEM
  --local      writes the broker as it comes instead: for this machine alone, without passwords
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
  try {
    const source = command.local ? systemConfigSource() : secureConfigSource(command.certificate)
    writeFileSync(file, source, { flag: 'wx' })
  } catch (error) {
    process.stderr.write(`${explain(error as NodeJS.ErrnoException, command.file, name)}\n`)
    return exitCodes.failed
  }
  const user = command.local ? '' : ' Add a user: npx mqtt-jig passwd add NAME.'
  process.stdout.write(`Wrote ${command.file}.${user} ${nextStep(file)}\n`)
  return exitCodes.ok
}

/** The config of the package, as it is written in another package. */
export const systemConfigSource = (): string =>
  templateSource('system.config').replaceAll('npm run graph', 'npx mqtt-jig graph')

interface InitCommand {
  readonly help: boolean
  readonly local: boolean
  readonly certificate: Certificate | undefined
  readonly file: string
}

const options = {
  cert: { type: 'string' },
  key: { type: 'string' },
  local: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const

const parse = (args: readonly string[]): InitCommand | { mistake: string } => {
  try {
    const { values, positionals } = parseArgs({ args: [...args], allowPositionals: true, options })
    const { help, local, cert, key } = values
    const [file = defaultName(), ...others] = positionals
    if (others.length > 0) return { mistake: 'Give the name of one file.' }
    if ((cert === undefined) !== (key === undefined)) return { mistake: 'Give --cert and --key together.' }
    if (local && cert !== undefined)
      return { mistake: 'The broker that --local writes has no TLS: leave out --cert and --key.' }
    const certificate = cert === undefined || key === undefined ? undefined : { cert, key }
    if (/\.m?ts$|\.mjs$/.test(file)) return { help, local, certificate, file }
    return { mistake: `The name '${file}' ends in neither .ts nor .mjs.` }
  } catch (error) {
    return { mistake: (error as Error).message }
  }
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
