import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { environmentSettings } from './environment.ts'
import { defineComponent } from './system/define-system.ts'
import { formatError } from './system/format-error.ts'
import { kind } from './system/kind.ts'
import { applySettings, configure } from './system/settings.ts'

const Part = kind<object>()('Part')
const part = (config: z.ZodType) => defineComponent({ provides: Part, needs: {}, config, start: () => ({}) })

const config = {
  server: {
    component: part(
      z.strictObject({
        port: z.int().max(65_535).default(1883),
        maximumPendingBytes: z.int().default(1),
        hosts: z.array(z.string()).default([]),
        password: z.string().optional(),
        pin: z.union([z.string(), z.number()]).optional(),
        tls: z
          .union([
            z.literal(false),
            z.strictObject({ key: z.string(), keyPath: z.string().optional(), certFile: z.string().optional() }),
          ])
          .default(false),
        enabled: z.boolean().default(true),
      }),
    ),
  },
  packetLog: { component: part(z.strictObject({ level: z.string().default('info') })), enabled: false },
  scramSha256: {
    component: part(z.strictObject({ users: z.record(z.string(), z.string()) })),
    config: { users: { Ann: 'old' } },
  },
}

let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'environment-'))
})
afterAll(() => rmSync(directory, { recursive: true }))

const secretFile = (content: string | Buffer): string => {
  const file = join(directory, `secret-${Math.random()}`)
  writeFileSync(file, content)
  return file
}

const applied = (environment: Record<string, string>): typeof config => {
  const { config: changed, problems } = applySettings(config, environmentSettings(environment))
  expect(problems).toEqual([])
  return changed as typeof config
}

const failureOf = (environment: Record<string, string>): string => {
  try {
    configure(config, environmentSettings(environment))
  } catch (error) {
    return formatError(error)
  }
  throw new Error('the settings were accepted')
}

test('a variable is a setting: two underscores are the dot, letter case and single underscores are ignored', () => {
  const { server, packetLog } = applied({
    MQTT_JIG__SERVER__PORT: '1884',
    MQTT_JIG__server__MAXIMUM_PENDING_BYTES: '5',
    MQTT_JIG__SERVER__HOSTS__0: '::1',
    MQTT_JIG__PACKET_LOG__LEVEL: 'debug',
  })
  expect(server).toHaveProperty('config', { port: 1884, maximumPendingBytes: 5, hosts: ['::1'] })
  expect(packetLog).toHaveProperty('config', { level: 'debug' })
})

test('values of the entry are reached, and so is a value of the config that has the name of one', () => {
  const { server, packetLog } = applied({
    MQTT_JIG__PACKET_LOG__ENABLED: 'true',
    MQTT_JIG__SERVER__START_DEADLINE_MS: '500',
    MQTT_JIG__SERVER__CONFIG__ENABLED: 'false',
    MQTT_JIG__SERVER__CONFIG__PORT: '1',
  })
  expect(packetLog.enabled).toBe(true)
  expect(server).toMatchObject({ startDeadlineMs: 500, config: { enabled: false, port: 1 } })
})

test('a key that the config and the schema do not have is taken as it is written', () => {
  const { scramSha256 } = applied({
    MQTT_JIG__SCRAM_SHA_256__USERS__ANN: 'new',
    MQTT_JIG__SCRAMSHA256__USERS__bob: 'x',
  })
  expect(scramSha256.config.users).toEqual({ Ann: 'new', bob: 'x' })
})

test('other variables are ignored: Kubernetes sets MQTT_JIG_PORT', () => {
  expect(
    environmentSettings({ MQTT_JIG_PORT: 'tcp://10.0.0.1:1883', PATH: '/bin', mqtt_jig__server__port: '1' }),
  ).toEqual([])
})

test('…_FILE reads the value from a file, without the line break at its end, as a text where one will do', () => {
  const { server, scramSha256 } = applied({
    MQTT_JIG__SERVER__PASSWORD_FILE: secretFile('sesame\n'),
    MQTT_JIG__SERVER__PIN_FILE: secretFile('42'),
    MQTT_JIG__SERVER__PORT_FILE: secretFile('1884\r\n'),
    MQTT_JIG__SERVER__TLS__KEY_FILE: secretFile('-----BEGIN\nKEY-----\n\n'),
    MQTT_JIG__SCRAM_SHA256__USERS__bob_FILE: secretFile('{"a": 1}'),
  })
  expect(server).toHaveProperty('config', {
    password: 'sesame',
    pin: '42',
    port: 1884,
    tls: { key: '-----BEGIN\nKEY-----\n' },
  })
  expect(scramSha256.config.users).toMatchObject({ bob: '{"a": 1}' })
})

test('a key that itself ends in File is that key', () => {
  const { server } = applied({ MQTT_JIG__SERVER__TLS__CERT_FILE: 'a.pem', MQTT_JIG__SERVER__TLS__KEY: 'k' })
  expect(server).toHaveProperty('config', { tls: { certFile: 'a.pem', key: 'k' } })
})

test('problems name the variable and a valid value; secrets, and values in place of a path, are not shown', () => {
  const folder = join(directory, 'folder')
  mkdirSync(folder)
  const text = failureOf({
    MQTT_JIG__SERVR__PORT: '1',
    MQTT_JIG__SERVER: '1',
    MQTT_JIG_SERVER__PORT: '1',
    MQTT_JIG__SERVER__PROT: '1',
    MQTT_JIG__SERVER__COMPONENT: 'x',
    MQTT_JIG__SERVER__PORT_FILE: secretFile('sesame'),
    MQTT_JIG__SERVER__PASSWORD: 'x',
    MQTT_JIG__SERVER__PASSWORD_FILE: 'sesame',
    MQTT_JIG__SERVER__PIN_FILE: 'sesame',
    MQTT_JIG__SERVER__TLS__KEY_FILE: folder,
    MQTT_JIG__SERVER__TLS__KEY_PATH_FILE: secretFile(Buffer.from([0xff])),
    MQTT_JIG__SERVER__TLS__CERT_FILE_FILE: secretFile(Buffer.alloc(1_048_577, 'x')),
  })
  const expected = [
    "MQTT_JIG__SERVR__PORT: there is no component 'SERVR'; did you mean 'server'?",
    'MQTT_JIG__SERVER: it does not name a value of a component; write it as MQTT_JIG__COMPONENT__KEY, like MQTT_JIG__SERVER__PORT',
    'MQTT_JIG_SERVER__PORT: it would set nothing: two underscores follow MQTT_JIG; write MQTT_JIG__SERVER__PORT',
    'MQTT_JIG__SERVER__COMPONENT: the component of an entry can be changed in the config file alone',
    'MQTT_JIG__SERVER__PASSWORD_FILE: MQTT_JIG__SERVER__PASSWORD is set as well; set only one of the two',
    'MQTT_JIG__SERVER__PIN_FILE: the file that it names cannot be read: ENOENT, there is no such file',
    'MQTT_JIG__SERVER__TLS__KEY_FILE: the file that it names cannot be read: EISDIR, it is a folder',
    'MQTT_JIG__SERVER__TLS__KEY_PATH_FILE: the file that it names is not text in UTF-8',
    'MQTT_JIG__SERVER__TLS__CERT_FILE_FILE: the file that it names cannot be read: it is larger than 1048576 bytes',
    "did you mean 'port'? (set by MQTT_JIG__SERVER__PROT)",
    '(set by MQTT_JIG__SERVER__PORT_FILE)',
  ]
  for (const line of expected) expect(text).toContain(line)
  expect(text).toMatch(/^environment$/m)
  expect(text).not.toContain('sesame')
  expect(text).not.toContain(folder)
})

test('what was read from a file is not shown where the config is inspected, in whole or in part', () => {
  const changed = applied({
    MQTT_JIG__SERVER__PASSWORD_FILE: secretFile('sesame'),
    MQTT_JIG__SERVER__TLS__KEY_FILE: secretFile('sesame'),
    MQTT_JIG__SERVER__PIN_FILE: secretFile('sesame'),
    MQTT_JIG__SERVER__PORT: '1884',
    MQTT_JIG__SERVER__HOSTS__0_FILE: secretFile('sesame'),
  })
  const config = (changed.server as { config?: object }).config
  expect(config).toEqual({ password: 'sesame', pin: 'sesame', port: 1884, hosts: ['sesame'], tls: { key: 'sesame' } })
  for (const part of [changed, changed.server, config]) expect(inspect(part, { depth: 9 })).not.toContain('sesame')
  expect(inspect(config)).toBe(
    '{\n  hosts: [ <secret> ],\n  password: <secret>,\n  pin: <secret>,\n  port: 1884,\n  tls: { key: <secret> }\n}',
  )
})
