/** `mqtt-jig completion`: scripts that complete command lines in a shell. */

import { spec as clientSpec } from './admin/client.ts'
import { spec as clientsSpec } from './admin/clients.ts'
import { spec as disconnectSpec } from './admin/disconnect.ts'
import { spec as healthSpec } from './admin/health.ts'
import { spec as logSpec } from './admin/log.ts'
import { spec as planSpec } from './admin/plan.ts'
import { spec as reloadSpec } from './admin/reload.ts'
import { spec as retainedSpec } from './admin/retained.ts'
import { spec as statusSpec } from './admin/status.ts'
import { spec as traceSpec } from './admin/trace.ts'
import { type CommandOptions, type CommandSpec, HELP_OPTION, type OptionValues, UsageError } from './arguments.ts'
import { spec as benchSpec } from './bench/bench.ts'
import type { CommandContext } from './command-context.ts'
import { spec as pubSpec } from './pub.ts'
import { commandMain } from './run-command.ts'
import { spec as subSpec } from './sub.ts'

const SHELLS = ['bash', 'zsh', 'fish'] as const
type Shell = (typeof SHELLS)[number]

export const spec: CommandSpec = {
  usage: 'bash|zsh|fish',
  summary: 'Prints a script that completes commands and options in this shell.',
  options: HELP_OPTION,
  words: SHELLS,
  notes: `bash: mqtt-jig completion bash > ~/.local/share/bash-completion/completions/mqtt-jig
zsh:  mqtt-jig completion zsh > "\${fpath[1]}/_mqtt-jig"
fish: mqtt-jig completion fish > ~/.config/fish/completions/mqtt-jig.fish`,
}

/** What can be completed behind a command. */
export interface Completion {
  readonly options: readonly {
    readonly name: string
    readonly short?: string
    readonly isFile: boolean
    readonly takesValue: boolean
  }[]
  readonly words: readonly string[]
}

const ofOptions = (options: CommandOptions, words: readonly string[] = []): Completion => ({
  words,
  options: Object.entries(options).map(([name, { short, value, type }]) => ({
    name,
    ...(short === undefined ? {} : { short }),
    isFile: value === 'FILE' || value === 'PATH' || value === 'DIRECTORY',
    takesValue: type === 'string',
  })),
})

/** Options of a command that has no spec: names with the value that they take. */
const ofNames = (names: Readonly<Record<string, string | undefined>>, words: readonly string[] = []): Completion =>
  ofOptions(
    Object.fromEntries(
      Object.entries(names).map(([name, value]) => [
        name,
        value === undefined ? { type: 'boolean', description: '' } : { type: 'string', value, description: '' },
      ]),
    ),
    words,
  )

const SYSTEM = { config: 'FILE', set: 'NAME.KEY=VALUE', only: 'NAME', help: undefined, version: undefined }

/** All commands; `completion.test.ts` compares them with `cli.ts` and with the help of each. */
export const completions: Readonly<Record<string, Completion>> = {
  start: ofNames({ ...SYSTEM, start: 'MODE' }),
  go: ofNames({ ...SYSTEM, start: 'MODE', watch: undefined }),
  graph: ofNames({ ...SYSTEM, format: 'FORMAT', output: 'FILE' }),
  init: ofNames({ cert: 'FILE', key: 'FILE', local: undefined, from: 'FILE', help: undefined }),
  ...Object.fromEntries(
    Object.entries({
      pub: pubSpec,
      sub: subSpec,
      clients: clientsSpec,
      client: clientSpec,
      disconnect: disconnectSpec,
      retained: retainedSpec,
      status: statusSpec,
      plan: planSpec,
      reload: reloadSpec,
      health: healthSpec,
      trace: traceSpec,
      log: logSpec,
      bench: benchSpec,
      completion: spec,
    }).map(([name, { options, words }]) => [name, ofOptions(options, words)]),
  ),
  passwd: ofNames({ file: 'FILE', help: undefined }, ['add', 'delete', 'list', 'check']),
  scram: ofNames({ iterations: 'N', help: undefined }),
  store: ofNames({ path: 'DIRECTORY', drop: undefined, help: undefined }, [
    'stats',
    'check',
    'compact',
    'backup',
    'export',
    'import',
  ]),
}

const run = async (values: OptionValues, context: CommandContext): Promise<number> => {
  const [word, ...more] = values.positionals
  const shell = SHELLS.find((each) => each === word)
  if (shell === undefined || more.length > 0) throw new UsageError(`Choose a shell: ${SHELLS.join(', ')}.`)
  context.stdout.write(SCRIPTS[shell]())
  return 0
}

const names = Object.keys(completions)

const flags = ({ options }: Completion): string[] =>
  options.flatMap(({ name, short }) => [...(short === undefined ? [] : [`-${short}`]), `--${name}`])

const filesOf = ({ options }: Completion): string[] =>
  options
    .filter(({ isFile }) => isFile)
    .flatMap(({ name, short }) => [...(short === undefined ? [] : [`-${short}`]), `--${name}`])

const valuesOf = ({ options }: Completion): string[] =>
  options
    .filter(({ isFile, takesValue }) => takesValue && !isFile)
    .flatMap(({ name, short }) => [...(short === undefined ? [] : [`-${short}`]), `--${name}`])

const cases = (each: (name: string, completion: Completion) => string): string =>
  Object.entries(completions)
    .map(([name, completion]) => each(name, completion))
    .join('\n')

const bash = (): string => `# Completion of mqtt-jig for bash.
_mqtt_jig() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" command="\${COMP_WORDS[1]}"
  local options="" words="" files="" values=""
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${names.join(' ')} help" -- "$current"))
    return
  fi
  case "$command" in
${cases((name, each) => `    ${name}) options="${flags(each).join(' ')}" words="${each.words.join(' ')}" files=" ${filesOf(each).join(' ')} " values=" ${valuesOf(each).join(' ')} " ;;`)}
    help) words="${names.join(' ')}" ;;
  esac
  if [[ "$files" == *" $previous "* ]]; then
    COMPREPLY=($(compgen -f -- "$current"))
  elif [[ "$values" == *" $previous "* ]]; then
    return
  else
    COMPREPLY=($(compgen -W "$options $words" -- "$current"))
  fi
}
complete -o filenames -F _mqtt_jig mqtt-jig
`

const zsh = (): string => `#compdef mqtt-jig
# Completion of mqtt-jig for zsh.
_mqtt_jig() {
  local -a options words_of files values
  if (( CURRENT == 2 )); then
    compadd -- ${names.join(' ')} help
    return
  fi
  case "\${words[2]}" in
${cases((name, each) => `    ${name}) options=(${flags(each).join(' ')}); words_of=(${each.words.join(' ')}); files=(${filesOf(each).join(' ')}); values=(${valuesOf(each).join(' ')}) ;;`)}
    help) words_of=(${names.join(' ')}) ;;
  esac
  local previous="\${words[CURRENT-1]}"
  if (( \${files[(Ie)$previous]} )); then
    _files
  elif (( \${values[(Ie)$previous]} )); then
    return
  else
    compadd -- $options $words_of
  fi
}
compdef _mqtt_jig mqtt-jig
`

const fish = (): string => `# Completion of mqtt-jig for fish.
complete -c mqtt-jig -f
complete -c mqtt-jig -n __fish_use_subcommand -a "${names.join(' ')} help"
${cases((name, each) =>
  [
    ...each.options.map(({ name: option, short, isFile, takesValue }) => {
      const value = isFile ? ' -r -F' : takesValue ? ' -x' : ''
      return `complete -c mqtt-jig -n "__fish_seen_subcommand_from ${name}" -l ${option}${short === undefined ? '' : ` -s ${short}`}${value}`
    }),
    ...(each.words.length === 0
      ? []
      : [`complete -c mqtt-jig -n "__fish_seen_subcommand_from ${name}" -a "${each.words.join(' ')}"`]),
  ].join('\n'),
)}
`

const SCRIPTS: Readonly<Record<Shell, () => string>> = { bash, zsh, fish }

export const main = commandMain(spec, run)
