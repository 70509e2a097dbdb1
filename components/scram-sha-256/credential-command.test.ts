import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import type { AuthenticationStep } from '../../src/kinds/authentication-method.ts'
import { UNKNOWN_PEER } from '../../src/kinds/peer.ts'
import { ScramClient } from '../../test/helpers/scram-client.ts'
import { main } from './credential-command.ts'
import { scramSha256 } from './index.ts'
import { ScramSha256 } from './scram-sha-256.ts'

/** Runs the command. @param terminal whether the input is one, which is typed into. */
const run = async (args: readonly string[], input: string, terminal = false) => {
  const stdin = Object.assign(new PassThrough(), terminal ? { isTTY: true, setRawMode: () => stdin } : {})
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  stdin.end(input)
  const code = await main(args, undefined, { stdin, stdout, stderr })
  stdout.end()
  stderr.end()
  return { code, stdout: await text(stdout), stderr: await text(stderr) }
}
const quick = ['--iterations', '4096']

/** Whether the line that was printed lets a client in. */
const letsIn = (line: string, user: string, password: string): boolean => {
  const users = new Function(`return {${line}}`)() as Record<string, string>
  const exchange = new ScramSha256(scramSha256.config.parse({ users }).users).begin({
    clientId: 'c',
    userName: undefined,
    peer: UNKNOWN_PEER,
  })
  const client = new ScramClient({ user, password })
  const challenge = exchange.step(client.first()) as AuthenticationStep & { data: Uint8Array }
  return (exchange.step(client.answer(challenge.data)) as AuthenticationStep).result === 'success'
}

describe('npm run scram', () => {
  it('prints a line for the config that accepts this user only', async () => {
    const { code, stdout, stderr } = await run(['ann', ...quick], 'pencil\nignored\n')
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^ann: 'SCRAM-SHA-256\$4096:[A-Za-z0-9+/]{22}==\$[A-Za-z0-9+/]{43}=:[A-Za-z0-9+/]{43}=',\n$/)
    expect(letsIn(stdout, 'ann', 'pencil')).toBe(true)
    expect(letsIn(stdout, 'ann', 'Pencil')).toBe(false)
  })

  it.each([
    ["o'neill", 'pencil', '\n'],
    ['a"b\\c', 'with space ', '\r\n'],
    ['a=b,c', 'é', ''],
  ])('quotes the name %j', async (name, password, end) => {
    const { stdout } = await run([name, ...quick], password + end)
    expect(letsIn(stdout, name, password)).toBe(true)
  })

  it('uses a new salt each time, and 100,000 iterations by default', async () => {
    const lines = [await run(['ann'], 'x'), await run(['ann'], 'x')].map(({ stdout }) => stdout)
    expect(lines[0]).toContain('SCRAM-SHA-256$100000:')
    expect(lines[0]).not.toBe(lines[1])
  })

  it('asks twice in a terminal and shows nothing of what is typed', async () => {
    const { code, stdout, stderr } = await run(['ann', ...quick], 'pencix\x7fl\rpencil\r', true)
    expect([code, stderr]).toEqual([0, 'Password: \nAgain: \n'])
    expect(letsIn(stdout, 'ann', 'pencil')).toBe(true)
  })

  it.each([
    ['two that differ', 'pencil\rpencils\r', true, /not the same/],
    ['Ctrl-C', 'pen\x03', true, /no password/],
    ['Ctrl-C at the second', 'pencil\r\x03', true, /no password/],
    ['no input', '', false, /no password/],
    ['an empty line', '\npencil\n', false, /no password/],
    ['a control character', 'pen\u{7}cil\n', false, /no password may have/],
    ['a password of 1,025 characters', `${'x'.repeat(1_025)}\n`, false, /longer than 1024/],
  ])('makes nothing of %s', async (_, input, terminal, why) => {
    const { code, stdout, stderr } = await run(['ann', ...quick], input, terminal)
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(why)
  })

  it.each([
    [[], /one user/],
    [['ann', 'bob'], /one user/],
    [[''], /name is empty/],
    [['__proto__'], /this name/],
    [['ann', '--iterations', '4095'], /4096 to/],
    [['ann', '--iterations', 'many'], /4096 to/],
    [['ann', '--password', 'x'], /--password/],
  ])('refuses the arguments %j', async (args, why) => {
    const { code, stdout, stderr } = await run(args, 'pencil\n')
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toMatch(why)
  })

  it('explains itself', async () => {
    const { code, stdout } = await run(['--help'], '')
    expect(code).toBe(0)
    expect(stdout).toContain('npm run --silent scram -- NAME')
  })

  it('is what package.json runs', () => {
    const root = resolve(import.meta.dirname, '../..')
    const args = ['scripts/run.mjs', 'components/scram-sha-256/credential-command.ts', 'ann', ...quick]
    const { status, stdout } = spawnSync(process.execPath, args, { cwd: root, input: 'pencil\n', encoding: 'utf8' })
    expect(status).toBe(0)
    expect(letsIn(stdout, 'ann', 'pencil')).toBe(true)
  })
})
