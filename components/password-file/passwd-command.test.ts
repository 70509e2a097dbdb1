import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { main } from './passwd-command.ts'

let folder: string
let file: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'passwd-'))
  file = join(folder, 'users')
})
afterEach(() => rm(folder, { recursive: true }))

/** What mosquitto_passwd 2.0.11 wrote for `secret7`, and the reference implementation of Argon2 for `password`. */
const mosquitto =
  'alice:$7$101$jGKxNExittCdf+7U$BIUOZ9xN9q+NqeiWg09uXOmsFkIQ87dEhj9jGiE7a5sdmbfQoatSv4YZi6jntSjafhV8XkA2Fg1Q8qJd23v+OQ=='
const argon2 = 'zoe:$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4'

/** Runs the command. @param terminal whether the input is one, which is typed into. */
const run = async (args: readonly string[], input = '', terminal = false) => {
  const stdin = Object.assign(new PassThrough(), terminal ? { isTTY: true, setRawMode: () => stdin } : {})
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  stdin.end(input)
  const code = await main(args, undefined, { stdin, stdout, stderr })
  stdout.end()
  stderr.end()
  return { code, stdout: await text(stdout), stderr: await text(stderr) }
}
const onFile = (action: string, ...rest: readonly string[]): string[] => [action, '--file', file, ...rest]

describe('npm run passwd', () => {
  it('names the file that cannot be read or written', async () => {
    const list = await run(['list', '--file', folder])
    expect(list).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`the password file ${folder} cannot be read`),
    })
    const path = join(folder, 'absent', 'users')
    const add = await run(['add', 'ann', '--file', path], 'pencil\n')
    expect(add).toEqual({ code: 1, stdout: '', stderr: `${path} cannot be changed: its folder does not exist\n` })
  })

  it('adds a user, lists it, checks its password, changes it, and deletes it', async () => {
    expect(await run(onFile('add', 'ann'), 'pencil\n')).toEqual({
      code: 0,
      stdout: '',
      stderr: `ann was added to ${file}.\n`,
    })
    expect(await readFile(file, 'utf8')).toMatch(/^ann:\$scrypt\$ln=15,r=8,p=1\$[^\n]+\n$/)
    expect(await run(onFile('check', 'ann'), 'pencil\n')).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('right'),
    })
    expect(await run(onFile('add', 'ann'), 'paper\n')).toMatchObject({
      code: 0,
      stderr: `The password of ann was changed in ${file}.\n`,
    })
    expect(await run(onFile('check', 'ann'), 'pencil\n')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('wrong'),
    })
    expect(await run(onFile('list'))).toEqual({ code: 0, stdout: 'ann\n', stderr: '' })
    expect(await run(onFile('delete', 'ann'))).toMatchObject({ code: 0, stderr: `ann was deleted from ${file}.\n` })
    expect(await run(onFile('list'))).toEqual({ code: 0, stdout: '', stderr: '' })
  })

  it('works on a file of mosquitto, and leaves its lines as they are', async () => {
    await writeFile(file, `${mosquitto}\n${argon2}\n`)
    expect(await run(onFile('check', 'alice'), 'secret7\n')).toMatchObject({ code: 0 })
    expect(await run(onFile('check', 'zoe'), 'password\n')).toMatchObject({ code: 0 })
    await run(onFile('add', 'ann'), 'pencil\n')
    expect(await run(onFile('list'))).toMatchObject({ stdout: 'alice\nann\nzoe\n' })
    expect(await readFile(file, 'utf8')).toContain(`${mosquitto}\n${argon2}\nann:`)
  })

  it('asks in a terminal, twice for a new password, and shows nothing of what is typed', async () => {
    const added = await run(onFile('add', 'ann'), 'pencix\x7fl\rpencil\r', true)
    expect(added).toEqual({ code: 0, stdout: '', stderr: `Password: \nAgain: \nann was added to ${file}.\n` })
    const checked = await run(onFile('check', 'ann'), 'pencil\r', true)
    expect(checked).toEqual({ code: 0, stdout: '', stderr: 'Password: \nThe password of ann is right.\n' })
  })

  it.each([
    ['delete', 'ann', '', /There is no user ann/],
    ['check', 'ann', 'x\n', /There is no file/],
    ['list', '', '', /There is no file/],
    ['add', 'ann', '', /There is no password/],
    ['add', 'ann', '\n', /There is no password/],
    ['add', 'ann', `${'x'.repeat(1_025)}\n`, /longer than 1024/],
  ])('%s %s: exit code 1 and nothing is written', async (action, name, input, why) => {
    const { code, stdout, stderr } = await run(onFile(action, ...(name === '' ? [] : [name])), input)
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(why)
    await expect(readFile(file)).rejects.toThrow('ENOENT')
  })

  it('does not change a file with bad lines, and names all of them', async () => {
    await writeFile(file, 'one\nbob:pencil\n')
    for (const [action, ...rest] of [['add', 'ann'], ['delete', 'bob'], ['list'], ['check', 'bob']]) {
      const { code, stderr } = await run(onFile(action!, ...rest), 'x\n')
      expect([action, code]).toEqual([action, 1])
      expect(stderr).toMatch(/line 1 .*\nline 2 /)
    }
    expect(await readFile(file, 'utf8')).toBe('one\nbob:pencil\n')
  })

  it('reports that two passwords differ', async () => {
    expect(await run(onFile('add', 'ann'), 'a\rb\r', true)).toMatchObject({ code: 1 })
  })

  it.each([
    [[], /Choose an action: add, delete, list, check/],
    [['remove', 'ann'], /Choose an action/],
    [['add'], /name of one user/],
    [['add', 'ann', 'pencil'], /password is asked for/],
    [['list', 'ann'], /takes no name/],
    [['add', 'a:b'], /':'/],
    [['add', 'ann', '--password', 'x'], /--password/],
  ])('refuses the arguments %j with exit code 2', async (args, why) => {
    const { code, stdout, stderr } = await run(args, 'pencil\n')
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toMatch(why)
  })

  it('explains itself', async () => {
    const { code, stdout } = await run(['--help'])
    expect(code).toBe(0)
    expect(stdout).toContain('Usage: npm run --silent passwd -- add|delete|check')
  })
})
