import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { stripVTControlCharacters } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { UsageError } from './command.ts'
import { openPrompt, type Prompt } from './prompt.ts'

const ctrlC = '\u0003'
const ctrlD = '\u0004'
const refuse = (): never => {
  throw new UsageError('not like this')
}
let directory: string
let input: PassThrough
let terminal: PassThrough
let output: string
let prompt: Prompt
let onOutput: () => void
/** What Ctrl-C ends, one after the other. */
let interrupted: string[]

/** Resolves once the terminal shows the text. */
const shows = (text: string): Promise<void> =>
  new Promise((resolve) => {
    onOutput = () => {
      if (stripVTControlCharacters(output).includes(text)) resolve()
    }
    onOutput()
  })

/** Types the keys and waits for what the terminal then shows; what it showed before does not count. */
const type = async (keys: string, text: string): Promise<void> => {
  output = ''
  const shown = shows(text)
  input.write(keys)
  await shown
}

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'prompt-'))
  input = new PassThrough()
  output = ''
  onOutput = () => {}
  interrupted = []
  terminal = new PassThrough().setEncoding('utf8')
  terminal.on('data', (text: string) => {
    output += text
    onOutput()
  })
  prompt = openPrompt({
    input,
    output: terminal,
    shared: [terminal],
    terminal: true,
    commands: {
      slow: { usage: 'slow()', help: '', call: () => new Promise(() => {}) },
      fail: { usage: 'fail()', help: '', call: () => Promise.reject(new Error('no')) },
      refuse: { usage: 'refuse()', help: '', call: () => refuse() },
      secret: {
        usage: 'secret()',
        help: '',
        call: async () => {
          const [first, second] = [await prompt.ask('Password: '), await prompt.ask('Again: ')]
          return { first, second }
        },
      },
      answer: { usage: 'answer', help: '', read: () => 42 },
    },
    components: () => ({ server: { port: 1 } }),
    formatError: (error) => `formatted ${(error as Error).message}`,
    formatValue: (value) => (value === 42 ? 'the answer' : undefined),
    duringEvaluation: (evaluate) => evaluate(),
    onInterrupt: () => interrupted.shift(),
    historyFile: join(directory, 'made/history'),
  })
  await shows('jig> ')
})

afterEach(async () => {
  prompt.close()
  await prompt.closed
  rmSync(directory, { recursive: true })
})

test('a line is evaluated, and values print in their own way', async () => {
  await type('1 + 1\n', '\n2\n')
  await type('answer\n', 'the answer')
  expect(prompt.failed).toBe(false)
})

test('a promise is awaited; what it rejects with is printed for people, and is kept', async () => {
  await type('Promise.resolve("soon")\n', "'soon'")
  await type('fail()\n', 'formatted no')
  expect(prompt.failed).toBe(true)
  await type('_error.message\n', "'no'")
})

test('an error that explains itself is printed without `Uncaught`, also when it is thrown at once', async () => {
  await type('refuse()\n', 'formatted not like this\njig> ')
  expect(output).not.toContain('Uncaught')
  expect(prompt.failed).toBe(true)
})

test('Ctrl-C ends the waiting for a command; what was typed meanwhile is not lost', async () => {
  await type('slow()\n', 'slow()')
  input.write('6 * 7 + 1\n')
  await type(ctrlC, 'Interrupted')
  await shows('43')
})

test('Ctrl-C first ends what it is for, and leaves what is typed as it is', async () => {
  interrupted = ['Stopped watching.']
  await type('half a li', 'half a li')
  await type(ctrlC, 'Stopped watching.\njig> half a li')
  await type(`${ctrlC}6 * 7 + 1\n`, '43')
})

test('Ctrl-C twice at an empty prompt leaves, and so does Ctrl-D', async () => {
  await type(ctrlC, 'press Ctrl+C again')
  input.write(ctrlC)
  await prompt.closed
})

test('Ctrl-D leaves', async () => {
  input.write(ctrlD)
  await prompt.closed
})

test('.clear makes a new context with the same commands', async () => {
  await type('.clear\n', 'jig> ')
  await type('answer\n', 'the answer')
  await type('Promise.resolve("still")\n', "'still'")
})

test('Tab completes the components and their properties', async () => {
  await type('system.se\t', 'system.server')
  await type('.po\t', 'port')
})

test('Tab completes what Node knows', async () => {
  await type('structured\t', 'structuredClone')
})

test('Tab completes commands before the names of Node', async () => {
  await type('f', 'f')
  input.write('\t')
  await type('\t', 'fetch')
  expect(stripVTControlCharacters(output)).toMatch(/fail\s+[\s\S]*fetch/)
})

test('what is printed meanwhile stands above the line that is being typed', async () => {
  await type('half a li', 'half a li')
  output = ''
  prompt.print('news')
  expect(stripVTControlCharacters(output)).toBe('news\njig> half a li')
})

test('output of others appears above the line that is being typed', async () => {
  await type('half a li', 'half a li')
  output = ''
  terminal.write('first\n')
  terminal.write('second\n')
  await shows('jig> half a li')
  expect(stripVTControlCharacters(output)).toBe('first\nsecond\njig> half a li')
})

test('a wrapped line is erased completely, and nothing above it', async () => {
  Object.assign(terminal, { columns: 20 })
  await type('more than twenty columns of text', 'text')
  output = ''
  terminal.write('others\n')
  prompt.print('own')
  // Up by a row, once.
  expect(output.split('\u001b[1A')).toHaveLength(2)
  expect(stripVTControlCharacters(output)).toContain('others\nown\njig> more than')
})

test('output that a line prints later appears above the prompt', async () => {
  await type('setTimeout(() => console.log("later"), 50) && 0\n', '0\n')
  await shows('later\njig> ')
  expect(stripVTControlCharacters(output)).toContain('later\njig> ')
})

test('output of others during an evaluation does not show the prompt', async () => {
  await type('slow()\n', 'slow()')
  output = ''
  terminal.write('news\n')
  await new Promise((resolve) => setImmediate(resolve))
  expect(output).toBe('news\n')
  await type(ctrlC, 'Interrupted')
})

test('lines are kept in the history file', async () => {
  await type('"remember"\n', "'remember'")
  prompt.close()
  await prompt.closed
  await expect.poll(() => readFileSync(join(directory, 'made/history'), 'utf8')).toContain('"remember"')
})

test('a password is asked for while a command runs: nothing of it is shown, and neither prompt nor history have it', async () => {
  await type('secret()\n', 'Password: ')
  await type('penx\u007fcil\r', 'Again: ')
  expect(output).not.toContain('p')
  await type('wrong\u0015pencil\r', "{ first: 'pencil', second: 'pencil' }\njig> ")
  expect(output.split('{')[0]).not.toMatch(/pencil|wrong/)
  await type('6 * 7 + 1\n', '43')
  prompt.close()
  await prompt.closed
  expect(readFileSync(join(directory, 'made/history'), 'utf8')).not.toMatch(/pencil|wrong/)
})

test.each([
  ['Ctrl-C', ctrlC],
  ['Ctrl-D', ctrlD],
])('%s at the question for a password ends the question alone', async (_, key) => {
  await type('secret()\n', 'Password: ')
  await type(`half${key}`, 'Again: ')
  await type('other\r', "{ first: undefined, second: 'other' }\njig> ")
  await type('6 * 7 + 1\n', '43')
})
