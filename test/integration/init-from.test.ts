import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { convertConf } from '../../src/mosquitto-conf/convert-conf.ts'
import { checkConfig, formatProblems } from '../../src/system/check-config.ts'
import type { AnySystemConfig } from '../../src/system/define-system.ts'
import { createSystem } from '../../src/system/lifecycle.ts'
import { testCertificates } from '../helpers/certificates.ts'
import { mosquittoConfs } from './mosquitto-confs.ts'

let folder: string
const root = resolve(import.meta.dirname, '../..')
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mqtt-jig-from-'))
  const { authority, server } = await testCertificates()
  const files = { 'ca.crt': authority.cert, 'server.crt': server.cert, 'server.key': server.key, passwd: '', acl: '' }
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content)
})
afterAll(() => rmSync(folder, { recursive: true }))

let written = 0
/** Converts a config, and imports what is written. */
const convert = async (text: string): Promise<{ source: string; config: AnySystemConfig }> => {
  written += 1
  const conf = join(folder, 'mosquitto.conf')
  writeFileSync(conf, text.replaceAll('{dir}', folder))
  const { source } = convertConf(conf, false)
  const file = join(folder, `system-${written}.config.ts`)
  const local = source
    .replace("'mqtt-jig'", `'${root}/src/system/define-system.ts'`)
    .replaceAll(/'mqtt-jig\/components\/([a-z0-9-]+)'/g, `'${root}/components/$1/index.ts'`)
  writeFileSync(file, local)
  const { default: config } = (await import(/* @vite-ignore */ file)) as { default: AnySystemConfig }
  return { source, config }
}

/** The same for this machine alone, and without a log. */
const forThisMachine = (text: string): string =>
  `${text
    .replaceAll(/^(listener [1-9]\d*)( \d\S*)?$/gm, '$1 127.0.0.1')
    .replaceAll(/^port \d+$/gm, '$&\nbind_address 127.0.0.1')
    .replaceAll(/^address .*$/gm, 'address 127.0.0.1:1')}\nlog_type none`

/** The same on free ports. */
const onFreePorts = (entries: Record<string, { config?: object }>): Record<string, object> =>
  Object.fromEntries(
    Object.entries(entries).map(([name, entry]) => {
      const config = entry.config !== undefined && 'port' in entry.config ? { ...entry.config, port: 0 } : entry.config
      return [name, { ...entry, ...(config && { config }) }]
    }),
  )

describe.each(Object.entries(mosquittoConfs))('the config of %s', (_, text) => {
  it('becomes a system config without problems, in which each line is taken over or explained', async () => {
    const { source, config } = await convert(text)
    expect(formatProblems(checkConfig(config).problems)).toBe('')
    expect(source).toMatch(/^\/\/ Written by mqtt-jig init from /)
  })

  it('starts', async () => {
    const { config } = await convert(forThisMachine(text))
    const entries = onFreePorts(config as unknown as Record<string, { config?: object }>)
    const logger = { ...entries['logger'], config: { level: 'silent' } }
    const system = createSystem({ ...entries, logger } as unknown as AnySystemConfig)
    await system.start()
    await system.stop()
  })
})

it('each line of a plugin is named', async () => {
  const text = mosquittoConfs['a bridge, with a plugin']!
  const { source } = await convert(text)
  const lines = text.split('\n').filter((line) => line.startsWith('auth_'))
  expect(lines).toHaveLength(2)
  for (const line of lines) expect(source).toContain(`: ${line.split(' ')[0]} `)
})
