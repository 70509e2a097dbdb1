/** The program that runs a system in production: starts it, and stops it on a signal. */

import { exitCodes, type Program, parseCommandLine, startModeOf, startOption } from './command-line.ts'
import { ConfigReloader, readConfig } from './config-reloader.ts'
import type { HostProcess } from './host-process.ts'
import { leaveProcess } from './leave-process.ts'
import { hangupCode, runSystem } from './run-system.ts'
import { say } from './say.ts'
import { formatError } from './system/format-error.ts'
import { createSystem, type System } from './system/lifecycle.ts'

const program: Program = {
  name: 'mqtt-jig start',
  summary: 'Starts the system and runs it until a signal stops it.',
  options: startOption,
  notes: [
    '',
    'SIGINT and SIGTERM stop it in order; a second one ends the process at once. At SIGHUP the components read the files that',
    'their configs name again: passwords, certificates. If the terminal that it was started in has been closed, SIGHUP stops',
    'the system in order.',
    'Exit codes: 0 stopped by a signal, 1 it did not start or did not stop cleanly, 2 the command line or the config',
    'is wrong, 3 stopped by a signal while it ran without components that had not started (--start available), 70 an',
    'error escaped from a component, 128 + n ended by a second signal n.',
  ],
}

/**
 * Runs the system that the command line asks for.
 * @param called how it was called where that is not `mqtt-jig start`, and the commands that `--help` is to list.
 * @param host the process that the system runs in.
 * @returns the code to exit with, when everything has stopped. The log goes to stdout; messages of this program go to stderr.
 */
export const main = async (
  args: readonly string[],
  called: Partial<Pick<Program, 'name' | 'commands'>> = {},
  host: HostProcess = process,
): Promise<number> => {
  const commandLine = parseCommandLine(args, { ...program, ...called })
  if (commandLine.action === 'exit') {
    const stream = commandLine.code === exitCodes.ok ? process.stdout : process.stderr
    stream.write(`${commandLine.text}\n`)
    return commandLine.code
  }
  surviveClosedOutput()
  let system: System
  try {
    const reloader = new ConfigReloader(
      (generation) => readConfig(commandLine, generation),
      () => system,
    )
    system = createSystem(await readConfig(commandLine), { reloader, start: startModeOf(commandLine.options) })
  } catch (error) {
    say(`${commandLine.configFile}: ${formatError(error)}`, 'fatal')
    return exitCodes.usage
  }
  const code = await runSystem(system, host)
  // The code that a shell expects. Node 20 aborts if it ends by itself after its terminal was closed.
  if (code === hangupCode) host.kill(host.pid, 'SIGHUP')
  leaveProcess(code, (text) => say(text, 'warn'), host)
  return code
}

/** The reader of the output may end first (`| head`). The broker continues, and the error cannot be reported. */
const surviveClosedOutput = (): void => {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
}
