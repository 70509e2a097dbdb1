import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { RecordingLogger } from '../../test/helpers/recording-logger.ts'
import { openFileLimit, warnAboutOpenFiles } from './open-files.ts'

let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'open-files-'))
})
afterAll(() => rmSync(directory, { recursive: true }))

const limitOf = (text: string) => {
  const file = join(directory, 'limits')
  writeFileSync(file, text)
  return openFileLimit(file)
}
const warnings = (limit: number | undefined) => {
  const log = new RecordingLogger()
  warnAboutOpenFiles({ maximumConnections: 50_000 }, limit, log)
  return log.at('warn').map(({ message }) => message)
}

it('reads the limit of this process where Linux tells it', async () => {
  const header = 'Limit                     Soft Limit           Hard Limit           Units     \n'
  expect(
    await limitOf(`${header}Max open files            1024                 4096                 files     \n`),
  ).toBe(1_024)
  expect(
    await limitOf(`${header}Max open files            unlimited            unlimited            files     \n`),
  ).toBeUndefined()
  expect(await limitOf('')).toBeUndefined()
  expect(await openFileLimit(join(directory, 'missing'))).toBeUndefined()
})

it('warns if maximumConnections cannot be reached, and names the solution', () => {
  expect([warnings(50_200), warnings(undefined)]).toEqual([[], []])
  expect(warnings(1_024)).toEqual([
    'maximumConnections (50000) cannot be reached: this process may open 1024 files, which are enough for about 824 connections. ' +
      'Raise the limit to 50200 or more (ulimit -n 50200; LimitNOFILE=50200 in a systemd unit; --ulimit nofile=50200 in Docker), ' +
      'or set maximumConnections to 824',
  ])
})

it('only informs if the default cannot be reached but thousands of connections can', () => {
  const log = new RecordingLogger()
  warnAboutOpenFiles({ maximumConnections: 50_000 }, 20_000, log)
  expect([log.at('warn'), log.at('info')]).toMatchObject([[], [{ openFiles: 20_000 }]])
  warnAboutOpenFiles({ maximumConnections: 40_000 }, 20_000, log)
  expect(log.at('warn')).toMatchObject([{ openFiles: 20_000, maximumConnections: 40_000 }])
})
