import { afterAll, beforeAll, expect, test } from 'vitest'
import { endPrograms, run, startBrokerProgram } from './program.ts'

/** The Python of Debian's python3-paho-mqtt, even if another one is first in PATH. */
const PYTHON = '/usr/bin/python3'

let port: number
beforeAll(async () => {
  port = (await startBrokerProgram()).port
})
afterAll(() => endPrograms())

test.each([
  ['3.1.1', '4', ['quality_of_service', 'retained_and_will', 'session']],
  ['5.0', '5', ['quality_of_service', 'retained_and_will', 'session', 'properties_of_messages']],
])('Python’s paho-mqtt in version %s', async (_, version, checks) => {
  const program = run(PYTHON, ['test/smoke/paho_client.py', String(port), version])
  expect(await program.ended).toBe(0)
  expect(program.lines).toEqual(checks.map((check) => `ok ${check}`))
})
