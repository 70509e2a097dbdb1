import { spawnSync } from 'node:child_process'
import { expect, test, vi } from 'vitest'
import { CommandRun } from '../../test/helpers/command-run.ts'
import { main as cli, commands } from '../cli.ts'
import { completions, main } from './completion.ts'

test('every command can be completed', () => {
  expect(Object.keys(completions).sort()).toEqual(Object.keys(commands).sort())
})

test.each(Object.keys(completions))('the options of %s are those of its help', async (name) => {
  let help = ''
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    help += text
    return true
  })
  const log = vi.spyOn(console, 'log').mockImplementation((text) => {
    help += `${text}\n`
  })
  await cli([name, '--help'])
  write.mockRestore()
  log.mockRestore()
  const named = [...help.matchAll(/^ {2}(?: *-\w, | {4})?--([a-z-]+)/gm)].map(([, option]) => option!)
  expect(completions[name]!.options.map(({ name: option }) => option).sort()).toEqual([...new Set(named)].sort())
})

/** What bash offers for a command line. */
const offered = (script: string, words: readonly string[]): string[] => {
  const program = `${script}
COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')})
COMP_CWORD=${words.length - 1}
_mqtt_jig
printf '%s\\n' "\${COMPREPLY[@]}"`
  const { stdout, stderr } = spawnSync('bash', ['-c', program], { encoding: 'utf8' })
  expect(stderr).toBe('')
  return stdout.split('\n').filter((line) => line !== '')
}

test('bash completes commands, options, words and files, and no values', async () => {
  const { stdout: script } = new CommandRun(main, 'bash')
  expect(offered(script, ['mqtt-jig', 'cl'])).toEqual(['clients', 'client'])
  expect(offered(script, ['mqtt-jig', 'pub', '--will-p'])).toEqual(['--will-payload'])
  expect(offered(script, ['mqtt-jig', 'log', 'le'])).toEqual(['level'])
  expect(offered(script, ['mqtt-jig', 'pub', '--cafile', 'package.j'])).toEqual(['package.json'])
  expect(offered(script, ['mqtt-jig', 'pub', '--topic', '-'])).toEqual([])
  expect(offered(script, ['mqtt-jig', 'help', 'stor'])).toEqual(['store'])
})

test.each(['zsh', 'fish'])('the script for %s names every command and option', async (shell) => {
  const { stdout } = new CommandRun(main, shell)
  for (const [name, { options }] of Object.entries(completions)) {
    expect(stdout).toContain(name)
    for (const { name: option } of options) expect(stdout).toContain(option)
  }
})

test('another shell: exit code 2', async () => {
  const run = new CommandRun(main, 'tcsh')
  expect(await run.code).toBe(2)
  expect(run.stderr).toContain('Choose a shell: bash, zsh, fish.')
})
