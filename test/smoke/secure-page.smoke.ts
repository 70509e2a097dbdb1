/** The commands and settings of docs/secure.md, from an empty folder with the packed package, on free ports of this machine. */

import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { connectAsync } from 'mqtt'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { testCertificates } from '../helpers/certificates.ts'
import { installPackage, root } from './installed-package.ts'
import { endPrograms, type Program, run } from './program.ts'

const page = readFileSync(join(root, 'docs/secure.md'), 'utf8')
const PASSWORD = 'a password of alice'

/** The blocks of a language, without their ends. */
const blocks = (language: string): string[] =>
  [...page.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(([, text]) => text!)
const commands = blocks('sh').flatMap((text) => text.trim().split('\n'))
/** The commands of the page that begin with these words. */
const command = (start: string): string => {
  const [found, ...others] = commands.filter((each) => each.startsWith(start))
  expect([found, others], start).toEqual([expect.any(String), []])
  return found!
}

let folder: string
/** The ports of the page, and those that are used here. */
const ports = new Map<string, number>()
beforeAll(async () => {
  folder = installPackage()
  symlinkSync(join(root, 'node_modules/mqtt'), join(folder, 'node_modules/mqtt'))
  for (const port of ['1883', '8083', '8883', '8084']) ports.set(port, await freePort())
  const { authority, server } = await testCertificates()
  writeFileSync(join(folder, 'server.pem'), server.cert)
  writeFileSync(join(folder, 'server.key'), server.key)
  writeFileSync(join(folder, 'ca.pem'), authority.cert)
}, 300_000)
afterEach(() => endPrograms())
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}

/** A text of the page as it is used here. */
const here = (text: string): string =>
  text
    .replaceAll('SECRET', PASSWORD)
    .replaceAll('HOST', 'localhost')
    .replace(/\b(?:1883|8083|8883|8084)\b/g, (port) => String(ports.get(port)))

const shell = (line: string, input = '') => {
  const text = here(line.replace('-P SECRET', "-P 'SECRET'")).replace('npx ', 'node_modules/.bin/')
  const { status, stdout, stderr } = spawnSync('sh', ['-c', text], { cwd: folder, input, encoding: 'utf8' })
  return { code: status, text: `${stdout}${stderr}` }
}

/** Runs the broker with the config of the folder. */
const start = async (): Promise<Program> => {
  const values = [
    ['server', '1883'],
    ['webSocket', '8083'],
    ['tls', '8883'],
    ['secureWebSocket', '8084'],
  ].flatMap(([name, port]) => [
    [`MQTT_JIG__${name!.toUpperCase()}__PORT`, String(ports.get(port!))],
    [`MQTT_JIG__${name!.toUpperCase()}__HOST`, '127.0.0.1'],
  ])
  const env = { ...process.env, ...Object.fromEntries(values), MQTT_JIG__LOGGER__FORMAT: 'json' }
  expect(commands).toContain('npx mqtt-jig')
  const broker = run('node_modules/.bin/mqtt-jig', [], { cwd: folder, env })
  await broker.line(new RegExp(`"port":${ports.get('1883')}`))
  return broker
}

const connect = (address: string) =>
  connectAsync(here(address), {
    username: 'alice',
    password: PASSWORD,
    reconnectPeriod: 0,
    ca: readFileSync(join(folder, 'ca.pem')),
  })

describe('docs/secure.md', () => {
  test('without a certificate', async () => {
    expect(shell('npx mqtt-jig init system.config.mjs')).toMatchObject({ code: 0 })
    expect(shell(command('npx mqtt-jig passwd add alice'), `${PASSWORD}\n`)).toMatchObject({ code: 0 })
    await start()

    // Into a pipe it would write nothing before it ends: stdbuf has it write line by line.
    const subscribe = `exec stdbuf -oL ${command('mosquitto_sub').replace('SECRET', "'SECRET'")} -d`
    const subscriber = run('sh', ['-c', here(subscribe)])
    await subscriber.line(/^Subscribed/)
    const delivered = subscriber.line(/^house\/lamp on$/)
    const publish = commands.filter((each) => each.startsWith('mosquitto_pub'))[0]!
    expect(shell(publish)).toMatchObject({ code: 0 })
    await delivered

    const refused = shell(publish.replace('SECRET', 'wrong'))
    expect(refused.code).not.toBe(0)
    expect(refused.text.trim()).toMatch(/Connection Refused: bad user name or password/)

    const [program] = blocks('js')
    writeFileSync(join(folder, 'client.mjs'), here(program!))
    expect(shell('node client.mjs')).toEqual({ code: 0, text: '' })
    const client = await connect('ws://127.0.0.1:8083/mqtt')
    const retained = new Promise((resolve) =>
      client.once('message', (topic, payload) => resolve([topic, `${payload}`])),
    )
    await client.subscribeAsync('house/lamp')
    expect(await retained).toEqual(['house/lamp', 'on'])
    await client.endAsync()
  })

  test('the settings of zigbee2mqtt', async () => {
    await start()
    const settings = Object.fromEntries(
      [...blocks('yaml')[0]!.matchAll(/^ {2}(\w+): (.+)$/gm)].map(([, name, value]) => [name, here(value!)]),
    )
    expect(Object.keys(settings).sort()).toEqual(['base_topic', 'password', 'server', 'user', 'version'])
    // As zigbee2mqtt passes them on.
    const client = await connectAsync(settings['server']!, {
      username: settings['user'],
      password: settings['password'],
      protocolVersion: Number(settings['version']) as 5,
      will: { topic: `${settings['base_topic']}/bridge/state`, payload: Buffer.from('offline'), qos: 1, retain: true },
      reconnectPeriod: 0,
    })
    await client.publishAsync(`${settings['base_topic']}/bridge/state`, 'online', { qos: 1, retain: true })
    await client.endAsync()
  })

  test('with a certificate', async () => {
    rmSync(join(folder, 'system.config.mjs'))
    expect(shell(command('npx mqtt-jig init --cert').replace('init', 'init system.config.mjs'))).toMatchObject({
      code: 0,
    })
    await start()
    const [, overTls] = commands.filter((each) => each.startsWith('mosquitto_pub'))
    expect(shell(overTls!)).toEqual({ code: 0, text: '' })
    for (const address of [
      'mqtts://HOST:8883',
      'wss://HOST:8084/mqtt',
      'mqtt://127.0.0.1:1883',
      'ws://127.0.0.1:8083/mqtt',
    ]) {
      expect(page).toContain(`\`${address}\``)
      await (await connect(address)).endAsync()
    }
  })
})
