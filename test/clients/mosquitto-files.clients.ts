/** Password files that mosquitto's own tool wrote, and ACL files, read by mosquitto and by this broker. */

import { randomBytes } from 'node:crypto'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { hash } from '@node-rs/argon2'
import mqtt from 'mqtt'
import { afterEach, expect, test } from 'vitest'
import { aclFile } from '../../components/acl-file/index.ts'
import { TestFiles } from '../helpers/certificates.ts'
import { RealClient } from '../helpers/mqtt-js.ts'
import { quietSystem } from '../helpers/start-broker.ts'
import { endPrograms, run } from '../smoke/program.ts'
import { describeClient, requirements } from './requirements.ts'
import { SecuredBroker, USER } from './secured-broker.ts'

let broker: SecuredBroker | undefined
let files: TestFiles | undefined
const clients: RealClient[] = []
afterEach(async () => {
  for (const client of clients.splice(0)) client.mqtt.end(true)
  await broker?.stop()
  broker = undefined
  await endPrograms()
  files?.remove()
  files = undefined
})

/** `Algorithm.Argon2id`, which is an ambient constant. */
const ARGON2ID = 2

/** A password file of mosquitto_passwd with `USER` and `bob`. */
const writtenByMosquitto = async (options: readonly string[]): Promise<string> => {
  files = new TestFiles()
  const path = join(files.folder, 'passwords')
  const add = (...more: string[]) => run('mosquitto_passwd', [...options, ...more]).ended
  expect(await add('-c', '-b', path, USER.name, USER.password)).toBe(0)
  expect(await add('-b', path, 'bob', 'secret')).toBe(0)
  return path
}

const connect = async (port: number, username: string, password: string): Promise<RealClient> => {
  const client = await RealClient.connect(port, 5, { username, password })
  clients.push(client)
  return client
}

/** Who may connect with a password file: the right passwords and no other. */
const expectUsers = async (passwords: string): Promise<void> => {
  broker = await SecuredBroker.start({ passwords })
  const port = broker.port('tcp')
  await connect(port, USER.name, USER.password)
  await connect(port, 'bob', 'secret')
  await expect(connect(port, 'bob', USER.password)).rejects.toThrow(/Bad User Name or Password/i)
  await expect(connect(port, 'eve', 'secret')).rejects.toThrow()
}

describeClient('A password file of mosquitto_passwd', [requirements.mosquittoPasswd], () => {
  test('with $7$, the default of mosquitto 2.0, is read', async () => {
    const passwords = await writtenByMosquitto([])
    expect(readFileSync(passwords, 'utf8')).toMatch(/^ann:\$7\$/)
    await expectUsers(passwords)
  })

  test('with $6$, the default of mosquitto 1.6, is read', async () => {
    const passwords = await writtenByMosquitto(['-H', 'sha512'])
    expect(readFileSync(passwords, 'utf8')).toMatch(/^ann:\$6\$/)
    await expectUsers(passwords)
  })

  test('made of plain text with -U is read', async () => {
    files = new TestFiles()
    const passwords = files.write('passwords', 'ann:pass\nbob:secret\n')
    expect(await run('mosquitto_passwd', ['-U', passwords]).ended).toBe(0)
    broker = await SecuredBroker.start({ passwords })
    await connect(broker.port('tcp'), 'ann', 'pass')
    await connect(broker.port('tcp'), 'bob', 'secret')
  })
})

describeClient('A password file in the form of mosquitto 2.1', [], () => {
  test('with $argon2id$ is read', async () => {
    files = new TestFiles()
    const options = {
      algorithm: ARGON2ID,
      memoryCost: 47_104,
      timeCost: 1,
      parallelism: 1,
    }
    const line = async (name: string, password: string) =>
      `${name}:${await hash(password, { ...options, outputLen: 64, salt: randomBytes(64) })}\n`
    const text = (await line(USER.name, USER.password)) + (await line('bob', 'secret'))
    expect(text).toMatch(/^ann:\$argon2id\$v=19\$m=47104,t=1,p=1\$/)
    await expectUsers(files.write('passwords', text))
  })
})

/** As Debian's aclfile.example explains it. */
const ACL = `# This affects access control for clients with no username.
topic read $SYS/#

# This only affects clients with username "ann".
user ann
topic foo/bar
topic read weather/#
topic deny weather/secret

# This affects all clients.
pattern write $SYS/broker/connection/%c/state
pattern readwrite devices/%u/#
`
const TOPICS = ['foo/bar', 'weather/oslo', 'weather/secret', 'devices/ann/a', 'devices/bob/a', 'other']

describeClient(
  'One password file and one ACL file for mosquitto and this broker',
  [requirements.mosquitto, requirements.mosquittoPasswd],
  () => {
    /** What a user receives of its own messages on all topics. */
    const reached = async (client: mqtt.MqttClient): Promise<string[]> => {
      const received: string[] = []
      client.on('message', (topic) => received.push(topic))
      await client.subscribeAsync('#', { qos: 1 })
      for (const topic of TOPICS) await client.publishAsync(topic, 'x', { qos: 1 }).catch(() => undefined)
      await client.unsubscribeAsync('#')
      await client.endAsync()
      return received
    }

    test.each([
      ['ann', USER.password, ['foo/bar', 'devices/ann/a']],
      ['bob', 'secret', ['devices/bob/a']],
    ])('give %s the same rights', async (username, password, expected) => {
      const passwords = await writtenByMosquitto([])
      const file = files!.write('acl', ACL)
      const socket = join(files!.folder, 'socket')
      const lines = [`listener 0 ${socket}`, 'allow_anonymous false', 'user root', 'log_dest stdout']
      writeFileSync(
        join(files!.folder, 'conf'),
        [...lines, `acl_file ${file}`, `password_file ${passwords}`].join('\n'),
      )
      chmodSync(passwords, 0o600)
      const program = run('stdbuf', ['-oL', 'mosquitto', '-c', join(files!.folder, 'conf')])
      await program.line(/mosquitto version .* running/)
      broker = await SecuredBroker.start({
        passwords,
        entries: () => ({
          acl: { component: aclFile, config: { file }, dependencies: { logger: 'logger' } },
          broker: { ...quietSystem.broker, dependencies: { ...quietSystem.broker.dependencies, authorizers: ['acl'] } },
        }),
      })
      const options = { username, password, protocolVersion: 4, reconnectPeriod: 0 } as const
      const theirs = await mqtt.connectAsync({ ...options, protocol: 'mqtt', unixSocket: true, path: socket })
      expect(await reached(theirs)).toEqual(expected)
      expect(await reached(await mqtt.connectAsync(broker.url('tcp'), options))).toEqual(expected)
    })
  },
)
