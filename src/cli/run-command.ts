import { ClientError } from '../client/index.ts'
import { exitCodes } from '../command-line.ts'
import { type CommandSpec, helpOf, type OptionValues, parseArguments, UsageError } from './arguments.ts'
import { type CommandContext, processContext } from './command-context.ts'

/** An error with the exit code of the command. Its message is a sentence. */
export class CommandError extends Error {
  readonly exitCode: number

  constructor(exitCode: number, message: string) {
    super(message)
    this.exitCode = exitCode
  }
}

/** Exit codes of the commands that are MQTT clients, beside the Reason Codes of the broker: those of mosquitto_pub. */
export const clientExitCodes = {
  /** The broker cannot be reached, or a file cannot be read. */
  failed: 1,
  connectionLost: 7,
  tls: 8,
  notSupported: 10,
  malformedPacket: 21,
  oversizePacket: 25,
  timeout: 27,
} as const

/** @returns what `main` of a command module has to be. */
export const commandMain =
  (spec: CommandSpec, run: (values: OptionValues, context: CommandContext) => Promise<number>) =>
  async (
    args: readonly string[],
    { name }: { readonly name: string },
    context: CommandContext = processContext(),
  ): Promise<number> => {
    let isQuiet = false
    // The reader of the output may end first (`| head`): that is no fault of the command.
    for (const stream of [context.stdout, context.stderr]) stream.on('error', () => {})
    try {
      const values = parseArguments(args, spec.options)
      if (values.has('help')) {
        context.stdout.write(`${helpOf(name, spec)}\n`)
        return exitCodes.ok
      }
      isQuiet = values.has('quiet')
      return await run(values, context)
    } catch (error) {
      if (error instanceof UsageError) {
        context.stderr.write(`${error.message}\nTry: ${name} --help\n`)
        return exitCodes.usage
      }
      const code = exitCodeOf(error)
      if (!isQuiet) context.stderr.write(`${(error as Error).message}\n`)
      return code
    }
  }

/** @throws the error itself, if it is a mistake in the code. */
const exitCodeOf = (error: unknown): number => {
  if (error instanceof CommandError) return error.exitCode
  // A field that is too long for MQTT.
  if (error instanceof RangeError) return exitCodes.usage
  if (!(error instanceof ClientError)) throw error
  switch (error.code) {
    case 'REFUSED':
    case 'DISCONNECTED':
      return error.reasonCode || clientExitCodes.connectionLost
    case 'LOST':
    case 'ENDED':
      return clientExitCodes.connectionLost
    case 'TLS':
      return clientExitCodes.tls
    case 'TIMEOUT':
      return clientExitCodes.timeout
    case 'PROTOCOL':
      return clientExitCodes.malformedPacket
    case 'NOT_SUPPORTED':
      return error.reasonCode ?? clientExitCodes.notSupported
    case 'TOO_LARGE':
      return clientExitCodes.oversizePacket
    default:
      return clientExitCodes.failed
  }
}
