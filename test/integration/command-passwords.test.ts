import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { setUser } from '../../components/password-file/user-file.ts'
import { main as pub } from '../../src/cli/pub.ts'
import { TestFiles } from '../helpers/certificates.ts'
import { CommandRun } from '../helpers/command-run.ts'
import { PasswordBroker } from '../helpers/password-broker.ts'

const PASSWORD = 'pass:w/ö rd%20'

let broker: PasswordBroker
let files: TestFiles
beforeAll(async () => {
  files = new TestFiles()
  const path = files.write('passwords', '')
  await setUser(path, 'ann', PASSWORD)
  broker = await PasswordBroker.start(readFileSync(path, 'utf8'))
})
afterAll(async () => {
  await broker.stop()
  files.remove()
})

const run = (
  words: readonly string[],
  options: { readonly stdin?: string; readonly environment?: Readonly<Record<string, string>> } = {},
): CommandRun => new CommandRun(pub, [...words, '-t', 'a', '-m', 'x', '-q', '1'], options)

const at = (): string[] => ['-p', String(broker.port), '-u', 'ann']

test('the password as an argument, of a file, of the environment, of the standard input, and of a URL', async () => {
  const file = files.write('password', `${PASSWORD}\n`)
  const url = `mqtt://ann:${encodeURIComponent(PASSWORD)}@127.0.0.1:${broker.port}`
  const runs = [
    run([...at(), '-P', PASSWORD]),
    run([...at(), '--password-file', file]),
    run(at(), { environment: { MQTT_JIG_PASSWORD: PASSWORD } }),
    run([...at(), '--ask-password'], { stdin: `${PASSWORD}\n` }),
    run(['-L', url]),
  ]
  for (const each of runs) {
    expect(await each.code).toBe(0)
    expect(each.stderr).toBe('')
  }
})

test.each([
  ['5', 0x86, 'The broker refused the connection: Bad User Name or Password (0x86)'],
  ['311', 4, 'The broker refused the connection: bad user name or password (4).'],
])('a wrong password, version %s: the exit code of mosquitto_pub', async (version, code, message) => {
  const refused = run([...at(), '-P', 'wrong', '-V', version])
  expect(await refused.code).toBe(code)
  expect(refused.stderr).toContain(message)
  expect(refused.stderr).not.toContain('wrong')
})
