import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '../..')

test('a log that cannot be opened is reported in a line of JSON, and the process ends without further output', () => {
  const settings = ['--set', `logger.destination=${root}`, '--set', 'server.port=0']
  const options = { cwd: root, encoding: 'utf8' } as const
  const { status, stderr } = spawnSync(process.execPath, ['scripts/run.mjs', 'src/main.ts', ...settings], options)
  expect(status).toBe(1)
  const [line, ...others] = stderr.split('\n')
  expect(others).toEqual([''])
  const { msg, level } = JSON.parse(line!) as { msg: string; level: number }
  expect(level).toBe(60)
  expect(msg.split('\n')).toEqual([
    expect.stringMatching(/^the start of logger failed: EISDIR: .* \(START_FAILED\)$/),
    '  not started because of it: store, broker, mqttHandler, server, sysTopics',
  ])
})
