import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest'
import { main as passwd } from '../../components/password-file/passwd-command.ts'
import { entriesOf as entriesOfSource, remarksOf as remarksOfSource } from '../../test/helpers/converted-conf.ts'
import { ConfError } from './conf-line.ts'
import { convertConf } from './convert-conf.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mqtt-jig-conf-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const write = (name: string, text: string): string => {
  const file = join(folder, name)
  writeFileSync(file, text)
  return file
}
const convert = (text: string) => convertConf(write('mosquitto.conf', text), true)

const entriesOf = (text: string) => entriesOfSource(convert(text).source)
const configOf = (text: string, name = 'server') => entriesOf(text)[name]?.config
const remarksOf = (text: string) => remarksOfSource(convert(text).source)

describe('listeners', () => {
  it('without any listener this machine alone is served, and everybody on it', () => {
    expect(entriesOf('# nothing')).toMatchObject({
      server: { config: { host: '127.0.0.1', port: 1883 } },
      mqttHandler: { dependencies: { authenticators: [] } },
    })
    expect(configOf('')).not.toHaveProperty('allowAnonymous')
  })

  it.each([
    ['listener 1884', { host: '::', port: 1884 }],
    ['listener 1884 192.0.2.1', { host: '192.0.2.1', port: 1884 }],
    ['listener 1884\nsocket_domain ipv4', { host: '0.0.0.0', port: 1884 }],
    ['port 1885\nbind_address 192.0.2.1', { host: '192.0.2.1', port: 1885 }],
    ['bind_address 192.0.2.1', { host: '192.0.2.1', port: 1883 }],
  ])('%j', (text, config) => {
    expect(configOf(`${text}\nallow_anonymous true`)).toEqual({ ...config, allowAnonymous: true })
  })

  it('without IPv6 all addresses are those of IPv4', () => {
    const { source } = convertConf(write('a.conf', 'listener 1883\nallow_anonymous true'), false)
    expect(source).toContain("host: '0.0.0.0'")
  })

  it('an option before the first listener may open the default listener; protocol mqtt does not', () => {
    expect(entriesOf('max_connections 5\nlistener 1884 localhost\nallow_anonymous true')).toMatchObject({
      server: { config: { port: 1883, maximumConnections: 5 } },
      tcp: { config: { port: 1884, host: 'localhost' } },
    })
    expect(entriesOf('protocol mqtt\nlistener 1884\nallow_anonymous true')).not.toHaveProperty('tcp')
  })

  it('has each protocol as its component, numbered', () => {
    const text = `allow_anonymous true
listener 1883
listener 1884
mount_point site-1/
max_qos 1
max_topic_alias 7
accept_protocol_versions 4, 5
listener 1885
listener 8883
certfile s.crt
keyfile s.key
listener 9001
protocol websockets
max_connections 100
listener 9002
protocol websockets
certfile s.crt
keyfile s.key
listener 0 /run/mqtt.sock`
    expect(entriesOf(text)).toMatchObject({
      server: { config: { port: 1883 } },
      tcp: {
        config: {
          ...{ port: 1884, mountPoint: 'site-1/', maximumQoS: 1, topicAliasMaximum: 7 },
          protocolVersions: ['3.1.1', '5.0'],
        },
      },
      tcp2: { config: { port: 1885 } },
      tls: { config: { port: 8883, cert: 's.crt', key: 's.key' } },
      webSocket: { config: { port: 9001, path: '/mqtt', origins: ['*'], maximumConnections: 100 } },
      webSocket2: { config: { port: 9002, tls: { cert: 's.crt', key: 's.key' } } },
      unixSocket: { config: { path: '/run/mqtt.sock' } },
    })
  })

  it('port 0 and a path is a Unix socket, also if the path is relative', () => {
    expect(entriesOf('listener 0 run/mqtt.sock\nallow_anonymous true')).toMatchObject({
      server: { config: { host: '127.0.0.1', port: 0 } },
      unixSocket: { config: { path: 'run/mqtt.sock' } },
    })
  })

  it('with TLS alone the server listens for this machine, since there must be one', () => {
    const text = 'listener 8883\ncertfile s.crt\nkeyfile s.key\npassword_file p'
    expect(configOf(text)).toEqual({ host: '127.0.0.1', port: 0 })
  })
})

it('the listener of the server that mosquitto did not have is closed, also where anonymous clients need a certificate', () => {
  const text = 'listener 8883\ncertfile s\nkeyfile k\ncafile c\nrequire_certificate true\nallow_anonymous true'
  expect(entriesOf(text)).toMatchObject({
    server: { config: { host: '127.0.0.1', port: 0 } },
    tls: { config: { allowAnonymous: true, authenticators: [] } },
    mqttHandler: { dependencies: { authenticators: ['passwordFile'] } },
  })
  expect(configOf(text)).not.toHaveProperty('authenticators')
})

describe('TLS', () => {
  const tls = (text: string) =>
    configOf(`listener 8883\ncertfile s.crt\nkeyfile s.key\n${text}\npassword_file p`, 'tls')

  it('client certificates, revocation list, version and ciphers', () => {
    expect(
      tls('cafile ca.crt\ncrlfile a.crl\nrequire_certificate true\ntls_version tlsv1.3\nciphers A:B\nciphers_tls1.3 C'),
    ).toMatchObject({
      ...{ ca: 'ca.crt', crl: 'a.crl', clientCertificates: 'require', minimumVersion: 'TLSv1.3', ciphers: 'A:B:C' },
    })
  })

  it('without require_certificate nothing is asked for', () => {
    expect(tls('cafile ca.crt\nrequire_certificate false')).not.toHaveProperty('ca')
  })

  it.each([
    ['use_identity_as_username', 'commonName'],
    ['use_subject_as_username', 'subject'],
  ])('%s: the certificate says who it is, and no password is asked for', (option, userName) => {
    const text = `password_file p\nlistener 1883\nlistener 8883\ncafile c\ncertfile s\nkeyfile k\nrequire_certificate true\n${option} true`
    expect(entriesOf(text)).toMatchObject({
      clientCertificate: { config: { userName, password: 'ignore' } },
      server: { config: { authenticators: ['passwordFile'] } },
      tls: { config: { authenticators: ['clientCertificate'] } },
      mqttHandler: { dependencies: { authenticators: ['passwordFile', 'clientCertificate'] } },
    })
  })

  it.each([
    ['certfile s', 'certfile and keyfile belong together: this listener is left out'],
    ['psk_hint h', 'there is no TLS with pre-shared keys: this listener is left out'],
    ['protocol mqttsn', 'there is no such protocol: this listener is left out'],
  ])('a listener with %j never becomes one without TLS', (option, why) => {
    const text = `listener 1883 localhost\nlistener 8883\n${option}\nallow_anonymous true`
    expect(Object.keys(entriesOf(text))).toEqual([
      ...['logger', 'router', 'store', 'broker', 'mqttDecoder', 'mqttHandler', 'mqttEncoder', 'server'],
    ])
    expect(remarksOf(text)).toEqual([`mosquitto.conf:3: ${option}: ${why}.`])
  })
})

describe('access', () => {
  it('no client is let in unless the config says so, as by mosquitto', async () => {
    expect(entriesOf('listener 1883')).toMatchObject({
      passwordFile: { config: { path: 'passwords' } },
      mqttHandler: { dependencies: { authenticators: ['passwordFile'] } },
    })
    // The command that the comment names adds a user.
    const [, args = ''] = convert('listener 1883').source.match(/npx mqtt-jig passwd (.+)$/m) ?? []
    const words = args.split(' ').map((word) => (word === 'passwords' ? join(folder, word) : word))
    const streams = { stdin: Readable.from(['pencil\n']), stdout: new PassThrough(), stderr: new PassThrough() }
    expect(await passwd(words, { name: 'passwd' }, streams)).toBe(0)
    expect(readFileSync(join(folder, 'passwords'), 'utf8')).toMatch(/^NAME:/)
  })

  it('a plugin that decided who is let in does not leave the broker open', () => {
    const text = 'listener 1883\nauth_plugin /usr/lib/a.so\nauth_opt_db_pass secret'
    expect(entriesOf(text)).toHaveProperty('passwordFile')
    expect(convert(text).source).not.toContain('secret')
    expect(entriesOf('plugin a.so')).toHaveProperty('passwordFile')
  })

  it('a password file, and clients without one', () => {
    const text = 'listener 1883\npassword_file /etc/mosquitto/passwd\nallow_anonymous true'
    expect(entriesOf(text)).toMatchObject({
      passwordFile: { config: { path: '/etc/mosquitto/passwd' } },
      server: { config: { allowAnonymous: true } },
    })
  })

  it('per_listener_settings: each listener has its own', () => {
    const text = `per_listener_settings true
listener 1883 127.0.0.1
allow_anonymous true
listener 1884
password_file a
listener 1885
password_file b
listener 1886
password_file a`
    const { server, tcp, tcp2, tcp3, mqttHandler } = entriesOf(text)
    expect(server!.config).toMatchObject({ allowAnonymous: true, authenticators: [] })
    expect(tcp!.config).toMatchObject({ authenticators: ['passwordFile'] })
    expect(tcp!.config).not.toHaveProperty('allowAnonymous')
    expect(tcp2!.config).toMatchObject({ authenticators: ['passwordFile2'] })
    expect(tcp3!.config).toMatchObject({ authenticators: ['passwordFile'] })
    expect(mqttHandler).toMatchObject({ dependencies: { authenticators: ['passwordFile', 'passwordFile2'] } })
  })

  it('without per_listener_settings what a listener says holds for all', () => {
    const { server, tcp } = entriesOf('listener 1883\nallow_anonymous true\nlistener 1884')
    expect([server!.config, tcp!.config]).toMatchObject([{ allowAnonymous: true }, { allowAnonymous: true }])
  })

  it('an ACL file of one listener holds for all: no client gets more rights', () => {
    const text = `per_listener_settings true
listener 1883
acl_file a
allow_anonymous true
listener 1884
acl_file b
allow_anonymous true
listener 1885
allow_anonymous true`
    expect(entriesOf(text)).toMatchObject({
      aclFile: { config: { file: 'a' } },
      broker: { dependencies: { authorizers: ['aclFile'] } },
    })
    expect(remarksOf(text)).toHaveLength(2)
  })
})

describe('limits and general options', () => {
  it('are values of the components', () => {
    const text = `listener 1883
allow_anonymous true
max_inflight_messages 50
max_inflight_bytes 1000
max_queued_messages 0
max_queued_bytes 2000
message_size_limit 3000
max_packet_size 4000
max_keepalive 600
persistent_client_expiration 2w
allow_zero_length_clientid false
auto_id_prefix auto-
clientid_prefixes site-
retain_available false
upgrade_outgoing_qos true
check_retain_source false
log_dest stderr
log_type error
log_type warning
`
    expect(entriesOf(text)).toMatchObject({
      logger: { config: { destination: 'stderr', level: 'warn' } },
      broker: {
        config: {
          ...{ maximumInflight: 50, maximumInflightMqtt3: 50, maximumInflightBytes: 1000, upgradeOutgoingQoS: true },
          ...{ maximumQueuedMessages: 100_000_000, maximumQueuedBytes: 2000, checkRetainedSource: false },
        },
      },
      mqttDecoder: { config: { maximumPacketSize: 4000, maximumConnectPacketSize: 4000 } },
      mqttHandler: {
        config: {
          ...{ maximumPayloadBytes: 3000, maximumKeepAliveSeconds: 600, maximumSessionExpirySeconds: 1_209_600 },
          ...{ allowEmptyClientIdentifier: false, assignedClientIdentifierPrefix: 'auto-', retainAvailable: false },
          clientIdentifierPrefix: 'site-',
        },
      },
    })
    expect(remarksOf(text)).toEqual([])
    expect(convert(text).source).toContain('Every line was taken over.')
  })

  it('0 is no limit of its own', () => {
    const text = 'max_inflight_bytes 0\nmessage_size_limit 0\nmax_packet_size 0\nmax_queued_bytes 0\nmax_keepalive 0'
    const { broker, mqttDecoder, mqttHandler } = entriesOf(text)
    expect([broker!.config, mqttDecoder!.config, mqttHandler!.config]).toEqual([undefined, undefined, undefined])
  })
})

describe('sessions and messages', () => {
  it('are in memory, as in mosquitto, unless the config says that they persist', () => {
    for (const text of ['', 'persistence false', 'persistence true\npersistence false']) {
      expect(entriesOf(text)['store']).toEqual({ component: 'memoryStore', dependencies: { logger: 'logger' } })
      expect(convert(text).data).toBeUndefined()
      expect(remarksOf(text)).toEqual([])
    }
  })

  it.each([
    ['persistence true', 'data'],
    ['persistence_location /var/lib/mosquitto/\npersistence true', '/var/lib/mosquitto/'],
  ])('are in the directory of %j', (text, path) => {
    expect(entriesOf(text)['store']).toEqual({
      ...{ component: 'lmdbStore', config: { path }, startDeadlineMs: 120_000, dependencies: { logger: 'logger' } },
    })
    expect(convert(text)).toMatchObject({ data: path, notes: 0 })
    expect(convert(text).source).toContain("import { lmdbStore } from 'mqtt-jig/components/store-lmdb'")
  })

  it('are written at once: when mosquitto saves its file is not needed', () => {
    const options = 'autosave_interval 60\nautosave_on_changes true\npersistence_file m.db'
    expect(remarksOf(`persistence true\n${options}`)).toEqual([
      expect.stringMatching(/:2: autosave_interval 60: it is not needed: each message is on the disk before it is/),
      expect.stringMatching(/:3: autosave_on_changes true: it is not needed/),
      expect.stringMatching(/:4: persistence_file m.db: the files of the store have names of their own/),
    ])
    for (const remark of remarksOf(options))
      expect(remark).toContain('nothing is on the disk, because persistence is not on')
  })

  it('are not kept by a value that mosquitto would not take', () => {
    expect(() => convert('persistence perhaps')).toThrow(ConfError)
    expect(() => convert('persistence_location')).toThrow(ConfError)
  })
})

describe('the topics below $SYS', () => {
  it('are published as often as sys_interval says', () => {
    expect(entriesOf('sys_interval 60')['sysTopics']).toEqual({
      ...{ component: 'sysTopics', config: { intervalSeconds: 60 } },
      dependencies: { broker: 'broker', logger: 'logger' },
    })
    expect(convert('sys_interval 60')).toMatchObject({ notes: 0 })
    expect(convert('sys_interval 60').source).toContain("import { sysTopics } from 'mqtt-jig/components/sys-topics'")
  })

  it('are published once an hour at least', () => {
    expect(configOf('sys_interval 86400', 'sysTopics')).toEqual({ intervalSeconds: 3_600 })
    expect(remarksOf('sys_interval 86400')).toEqual([
      expect.stringContaining('sys_interval 86400: the value is 3600 here: it can be 1 to 3600'),
    ])
  })

  it.each(['sys_interval 0', ''])('are not published for %j', (text) => {
    expect(entriesOf(text)).not.toHaveProperty('sysTopics')
    expect(convert(text)).toMatchObject({ notes: 0 })
  })
})

describe('what cannot be taken over', () => {
  test('is said for each line, with its place and why', () => {
    const text = `persistence false
persistence_location /var/lib/mosquitto/
allow_duplicate_messages true
log_dest file /var/log/m.log
log_dest topic
bind_interface eth0
frobnicate 5
connection other
address 192.0.2.7
bridge_psk hunter2
topic # both 0`
    expect(
      remarksOf(text).map((remark) =>
        remark
          .replace(/^mosquitto\.conf:/, '')
          .split(': ')
          .slice(0, 2)
          .join(' '),
      ),
    ).toEqual([
      ...['2 persistence_location /var/lib/mosquitto/', '3 allow_duplicate_messages true', '5 log_dest topic'],
      ...['6 bind_interface eth0', '7 frobnicate 5', '8 connection other'],
      ...['10 bridge_psk (value not shown)'],
    ])
    expect(convert(text).source).not.toContain('hunter2')
  })

  test('stays in its comment', () => {
    const { source } = convert(`frobnicate a\u2028import('x')\x1b[31m`)
    expect(source).not.toContain('\u2028')
    expect(source).not.toContain('\x1b')
    expect(source).toContain("// mosquitto.conf:1: frobnicate a import('x')")
  })

  test('a bridge is an entry, and its password stays a text', () => {
    const text = "connection to-site\naddress a\ntopic # both 0\nremote_username u\nremote_password it's `1`"
    const { dependencies, config } = entriesOf(text)['to-site']!
    expect(dependencies).toEqual({ broker: 'broker', logger: 'logger' })
    expect(config).toMatchObject({ userName: 'u', password: "it's `1`" })
  })

  test('texts stay texts', () => {
    const path = `a'b"c\\d\u2028\${e}`
    expect(configOf(`password_file ${path}\nlistener 1883`, 'passwordFile')).toEqual({ path })
  })
})

describe('files', () => {
  it('include_dir reads the files of the folder in order; each begins with the default listener', () => {
    const included = join(folder, 'conf.d')
    mkdirSync(included)
    writeFileSync(join(included, 'b.conf'), 'max_inflight_messages 7\nmax_qos 1\ninclude_dir /elsewhere\n')
    writeFileSync(join(included, 'B.conf'), 'max_inflight_messages 6')
    writeFileSync(join(included, 'a.conf.bak'), 'max_inflight_messages 8')
    const text = `allow_anonymous true\nlistener 1884\ninclude_dir ${included}\nmax_topic_alias 3`
    expect(entriesOf(text)).toMatchObject({
      server: { config: { port: 1883, maximumQoS: 1 } },
      tcp: { config: { port: 1884, topicAliasMaximum: 3 } },
      broker: { config: { maximumInflight: 7 } },
    })
    expect(remarksOf(text)).toEqual([expect.stringContaining('b.conf:3: include_dir /elsewhere: ')])
  })

  it('a folder that is not there is a remark: its options are missing', () => {
    expect(remarksOf('include_dir /does/not/exist')).toEqual([
      'mosquitto.conf:1: include_dir /does/not/exist: the folder cannot be read (ENOENT), so its options are missing here.',
    ])
  })

  it.each([
    ['listener', "listener has the port '', which is not a number from 0 to 65535"],
    ['listener 70000', "listener has the port '70000'"],
    ['listener 0', 'listener has the port 0 and no path of a Unix socket'],
    ['port 0', "port has the port '0', which is not a number from 1 to 65535"],
    ['allow_anonymous maybe', "allow_anonymous has the value 'maybe', which is neither true nor false"],
    ['max_queued_messages many', "max_queued_messages has the value 'many', which is not a number"],
    ['persistent_client_expiration 5', 'which is not a duration such as 14d'],
    ['password_file', 'password_file has no value'],
    ['include_dir', 'include_dir has no folder'],
  ])('%j is an error with its file and line', (line, problem) => {
    const file = write('bad.conf', `# first\r\n\r\n  ${line}`)
    expect(() => convertConf(file, true)).toThrow(ConfError)
    expect(() => convertConf(file, true)).toThrow(`${file}:3: `)
    expect(() => convertConf(file, true)).toThrow(problem)
  })

  it('a file that cannot be read, or is not a text', () => {
    expect(() => convertConf(join(folder, 'none.conf'), true)).toThrow(/none\.conf cannot be read: ENOENT/)
    expect(() => convertConf(write('a.conf', 'a\0b'), true)).toThrow('is not a text')
  })
})
