/** The prompt of the dev loop: Node's REPL, extended to await promises of commands and to print errors for people. */

import { Console } from 'node:console'
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { clearScreenDown, createInterface, cursorTo, moveCursor } from 'node:readline'
import { type REPLEval, type REPLServer, start } from 'node:repl'
import { PassThrough, type Readable, type Writable } from 'node:stream'
import { askHidden } from '../../src/terminal/ask-hidden.ts'
import { type Commands, UsageError } from './command.ts'
import { type Completion, completeSystem, ownNamesFirst } from './completion.ts'
import { shareTerminal } from './shared-terminal.ts'
import { showValue } from './show-value.ts'

export interface PromptOptions {
  readonly input: Readable
  readonly output: Writable
  /** The streams that other code uses to write to the same terminal. Its output appears above the prompt. */
  readonly shared: readonly Writable[]
  /** Whether it is a terminal. Otherwise each line is evaluated when the previous one is done. */
  readonly terminal: boolean
  readonly commands: Commands
  /** The running components by name, for completion. */
  readonly components: () => Readonly<Record<string, unknown>>
  readonly formatError: (error: unknown) => string
  /** Prints values with their own output; undefined leaves it to Node. */
  readonly formatValue: (value: unknown, colors: boolean) => string | undefined
  /** Called around the evaluation of each line, during which Ctrl-C belongs to Node. */
  readonly duringEvaluation: (evaluate: () => void) => void
  /** Called for Ctrl-C at the prompt. @returns what to print when that ended something; undefined leaves it to Node. */
  readonly onInterrupt: () => string | undefined
  /** The file that keeps the lines typed in a terminal. */
  readonly historyFile: string
}

export interface Prompt {
  /** Resolves when all input is done, or the user has left. */
  readonly closed: Promise<void>
  /** Whether any line ended in an error. */
  readonly failed: boolean
  /** Prints above the prompt, leaving what is being typed as it is. */
  print(text: string): void
  /**
   * Asks for a password while a command runs, and shows nothing of what is typed.
   * @returns undefined when none was typed.
   * @throws UsageError without a terminal.
   */
  ask(question: string): Promise<string | undefined>
  close(): void
}

export const openPrompt = (given: PromptOptions): Prompt => {
  const { terminal } = given
  /** Whether the prompt is on the screen: not while a line is evaluated, and not between `hide` and `show`. */
  let shown = false
  /** Whether `hide` has removed it, so that `show` has to draw it. */
  let hidden = false
  const hide = (): void => {
    if (!shown) return
    erase(server, options.output)
    shown = false
    hidden = true
  }
  const show = (): void => {
    if (!hidden) return
    server.prompt(true)
    shown = true
    hidden = false
  }
  const screen = shareTerminal(given.output, terminal ? given.shared : [], { before: hide, after: show })
  const options = { ...given, output: withoutUncaught(screen.own) }
  // Without a terminal a line is passed on when the previous line is done. Node's REPL alone would run all lines at once.
  const input = terminal ? options.input : new PassThrough()
  const server = start({
    prompt: terminal ? promptText : '',
    input,
    output: options.output,
    terminal,
    ignoreUndefined: true,
    // In a terminal Ctrl-C ends the evaluation of a line, also an endless loop.
    breakEvalOnSigint: terminal,
    preview: false,
    writer: (value) => write(value, options),
  })
  const define = (): void => {
    defineCommands(server, options.commands)
    // Output that a line prints later, for example in a timer, appears above the prompt.
    Object.assign(server.context, { console: new Console(given.output) })
  }
  define()
  server.on('reset', define)
  let failed = false
  let lastError: unknown = server.context['_error']
  shown = terminal
  server.prependListener('line', () => {
    shown = hidden = false
  })
  const prompted = watchPrompts(server, () => {
    shown = terminal
    hidden = false
    failed ||= server.context['_error'] !== lastError
    lastError = server.context['_error']
  })
  const print = (text: string): void => {
    hide()
    options.output.write(`${text}\n`)
    show()
  }
  handleInterrupts(server, () => {
    const text = shown ? options.onInterrupt() : undefined
    if (text !== undefined) print(text)
    return text !== undefined
  })
  awaitResults(server, options)
  completeComponents(server, options)
  const closed = new Promise<void>((resolve) => server.once('exit', resolve))
  server.once('exit', () => {
    shown = hidden = false
    screen.release()
  })
  if (terminal) {
    keepHistory(server, options.historyFile)
  } else {
    feed(options.input, input as PassThrough, server, prompted).catch((error: unknown) => {
      options.output.write(`${options.formatError(error)}\n`)
      failed = true
      server.close()
    })
  }
  return {
    closed,
    get failed() {
      return failed
    },
    print,
    ask: async (question) => {
      if (!terminal) throw new UsageError('there is no terminal to ask for a password in: write it behind the name')
      return askHidden(input, options.output, question)
    },
    close: () => server.close(),
  }
}

/** Asks before Node's own answer to Ctrl-C. @param interrupt returns whether that was what Ctrl-C was for. */
const handleInterrupts = (server: REPLServer, interrupt: () => boolean): void => {
  const own = server.listeners('SIGINT') as (() => void)[]
  server.removeAllListeners('SIGINT')
  server.on('SIGINT', () => {
    if (interrupt()) return
    for (const listener of own) listener.call(server)
  })
}

/** Takes the prompt, and what is typed behind it, off the screen; `prompt(true)` draws them again where the cursor is. */
const erase = (server: REPLServer, output: Writable): void => {
  moveCursor(output, 0, -server.getCursorPos().rows)
  cursorTo(output, 0)
  clearScreenDown(output)
  // How many rows above the cursor Node believes the prompt to begin.
  Object.assign(server, { prevRows: 0 })
}

const promptText = 'jig> '

const defineCommands = ({ context }: REPLServer, commands: Commands): void => {
  for (const [name, command] of Object.entries(commands)) {
    const content = 'call' in command ? { value: command.call, writable: true } : { get: command.read }
    Object.defineProperty(context, name, { ...content, enumerable: true, configurable: true })
  }
}

/** The variable of a promise that the REPL awaits. A name that users do not type. */
const awaitedName = '__jigAwaited'

/** A line whose value is a promise is done when the promise is settled, as with `await`. */
const awaitResults = (server: REPLServer, { output, formatError, duringEvaluation }: PromptOptions): void => {
  const evaluateLine: REPLEval = server.eval
  const evaluate: REPLEval = function (this: REPLServer, ...line) {
    duringEvaluation(() => evaluateLine.apply(this, line))
  }
  let awaited: Promise<{ readonly value?: unknown; readonly error?: unknown; readonly failed: boolean }> | undefined
  const define = (): void => {
    Object.defineProperty(server.context, awaitedName, { get: () => awaited, configurable: true })
  }
  define()
  server.on('reset', define)
  const evaluateAndAwait: REPLEval = function (this: REPLServer, code, context, file, done) {
    evaluate.call(this, code, context, file, (error, result) => {
      if (error || completing.has(server) || !isPromise(result)) return done(error, result)
      awaited = Promise.resolve(result).then(
        (value) => ({ value, failed: false }),
        (error: unknown) => ({ error, failed: true }),
      )
      // Node's top-level await: input waits meanwhile, and Ctrl-C ends the wait.
      evaluate.call(this, `await ${awaitedName}\n`, context, file, (error, outcome) => {
        if (error || !outcome.failed) return done(error, outcome?.value)
        output.write(`${formatError(outcome.error)}\n`)
        Object.assign(server, { lastError: outcome.error }) // What `_error` shows.
        done(null, undefined)
      })
    })
  }
  Object.assign(server, { eval: evaluateAndAwait })
}

/** The servers that are completing a word: Node evaluates parts of the line for that, and must not await them. */
const completing = new WeakSet<REPLServer>()

const completeComponents = (server: REPLServer, { components, commands }: PromptOptions): void => {
  const { completer } = server
  const names = Object.keys(commands).filter((name) => commands[name]!.unlisted !== true)
  Object.assign(server, {
    completer: (line: string, done: (error: Error | null, completion?: unknown) => void) => {
      const completion = completeSystem(line, components())
      if (completion !== undefined) return done(null, completion)
      completing.add(server)
      ;(completer as (line: string, done: (error: Error | null, completion?: unknown) => void) => void)(
        line,
        (error, completion) => {
          completing.delete(server)
          done(error, ownNamesFirst(line, names, completion as Completion | undefined))
        },
      )
    },
  })
}

/** Calls back whenever a line is done, which is when Node shows the prompt; the function returned waits for the next time. */
const watchPrompts = (server: REPLServer, onPrompt: () => void): (() => Promise<void>) => {
  const display = server.displayPrompt
  const waiting: (() => void)[] = []
  const release = (): void => {
    for (const resolve of waiting.splice(0)) resolve()
  }
  server.displayPrompt = (preserveCursor) => {
    display.call(server, preserveCursor)
    onPrompt()
    release()
  }
  server.once('exit', release)
  return () => new Promise((resolve) => waiting.push(resolve))
}

/** Passes the lines on one by one. Closes the prompt after the last. */
const feed = async (
  source: Readable,
  sink: PassThrough,
  server: REPLServer,
  prompted: () => Promise<void>,
): Promise<void> => {
  let open = true
  server.once('exit', () => {
    open = false
  })
  for await (const line of createInterface({ input: source, crlfDelay: Number.POSITIVE_INFINITY })) {
    const done = prompted()
    sink.write(`${line}\n`)
    await done
    if (!open) return
  }
  if (server.getPrompt() !== '') throw new UsageError('the input ended in the middle of a statement')
  server.close()
}

const keepHistory = (server: REPLServer, file: string): void => {
  try {
    mkdirSync(dirname(file), { recursive: true })
  } catch {
    // The file cannot be opened then. Node reports this and continues without it.
  }
  server.setupHistory(file, () => {})
}

/** Errors whose stack does not help the user. */
const explained = new Set(['SystemError', 'LoadError', 'UsageError'])

/** The prefix of errors that are printed without a stack. No other output begins with it. */
const explainedMark = '\u0000'

/**
 * The stream, without the `Uncaught` that Node writes before every error: an error with an explanation is not a fault of a
 * program.
 */
const withoutUncaught = (output: Writable): Writable => {
  const pattern = new RegExp(`^(?:Uncaught(?: |:\\n))?${explainedMark}`)
  const write = (text: unknown, ...rest: unknown[]): unknown =>
    Reflect.apply(output.write, output, [typeof text === 'string' ? text.replace(pattern, '') : text, ...rest])
  return new Proxy(output, { get: (target, key) => (key === 'write' ? write : Reflect.get(target, key)) })
}

const write = (value: unknown, { formatError, formatValue, terminal, output }: PromptOptions): string => {
  // Recognised by its code, since it may be from the realm of the prompt.
  if (codeOf(value) === 'ERR_SCRIPT_EXECUTION_INTERRUPTED')
    return `${explainedMark}Interrupted. Actions that it started continue: see status().`
  if (value instanceof Error && explained.has(value.name)) return `${explainedMark}${formatError(value)}`
  const colors = terminal && (output as { hasColors?: () => boolean }).hasColors?.() === true
  return formatValue(value, colors) ?? showValue(value, colors)
}

const codeOf = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && 'code' in value ? value.code : undefined

const isPromise = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
