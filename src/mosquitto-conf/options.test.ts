/** Single options of a mosquitto.conf: what each becomes, and what the operator is told of it. */

import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { entriesOf, remarksOf } from '../../test/helpers/converted-conf.ts'
import { convertConf } from './convert-conf.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mqtt-jig-options-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const sourceOf = (text: string): string => {
  const file = join(folder, 'mosquitto.conf')
  writeFileSync(file, text)
  return convertConf(file, true).source
}
const configOf = (text: string, name: string) => entriesOf(sourceOf(text))[name]?.config
/** The reasons, without the place and the line. */
const whyOf = (text: string) => remarksOf(sourceOf(text)).map((remark) => remark.replace(/^\S+:\d+: .*?: /, ''))

describe('of a listener', () => {
  const options = (text: string) => `allow_anonymous true\nlistener 1884 127.0.0.1\n${text}`

  it.each([
    ['max_connections -1', {}],
    ['max_connections 0', { maximumConnections: 1 }],
    ['max_connections 2000000', { maximumConnections: 1_000_000 }],
    ['max_connections 5', { maximumConnections: 5 }],
    ['mount_point site', {}],
    ['mount_point $site/', {}],
    ['maximum_qos 0', { maximumQoS: 0 }],
    ['max_qos 3', {}],
    ['max_topic_alias -1', { topicAliasMaximum: 0 }],
    ['max_topic_alias 70000', { topicAliasMaximum: 65_535 }],
    ['accept_protocol_versions 3 6', { protocolVersions: ['3.1'] }],
    ['accept_protocol_versions 6', {}],
    ['accept_protocol_versions ,', {}],
    ['http_dir /var/www', {}],
  ])('%s becomes %j', (text, expected) => {
    expect(configOf(options(text), 'server')).toEqual({
      host: '127.0.0.1',
      port: 1884,
      allowAnonymous: true,
      ...expected,
    })
  })

  it.each([
    ['max_connections 0', 'the limit can be 1 to 1,000,000.'],
    ['max_connections 2000000', 'the limit can be 1 to 1,000,000.'],
    ['mount_point site', 'a mount point ends with a slash, does not begin with $, and has no + or #.'],
    ['mount_point a+/', 'a mount point ends with a slash, does not begin with $, and has no + or #.'],
    ['max_qos 3', 'a QoS is 0, 1 or 2.'],
    ['max_topic_alias 70000', 'the limit can be 0 to 65,535.'],
    ['accept_protocol_versions 3 6', 'the versions are 3, 4 and 5.'],
    ['accept_protocol_versions ,', 'the versions are 3, 4 and 5.'],
    ['http_dir /var/www', 'no files are served over HTTP.'],
    ['use_username_as_clientid true', 'a client keeps its Client Identifier; its session belongs to its user.'],
  ])('%s: the operator is told %s', (text, why) => {
    expect(whyOf(options(text))).toEqual([why])
  })

  it('auto_id_prefix of one listener is told to hold for all', () => {
    const text = `per_listener_settings true\n${options('auto_id_prefix a-\nallow_anonymous true')}`
    expect(whyOf(text)).toContain('this holds for all listeners: see the values of `mqttHandler`.')
  })

  it('max_connections of one of several listeners is told to be that of all, if the listener is the server', () => {
    const text = options('max_connections 5\nlistener 1885 127.0.0.1')
    expect(whyOf(text)).toEqual([
      'if this became `server`, its `maximumConnections` is that of all listeners together.',
    ])
  })

  it('protocol http_api is left out', () => {
    const text = 'allow_anonymous true\nlistener 1884 127.0.0.1\nlistener 8080\nprotocol http_api'
    expect(Object.values(entriesOf(sourceOf(text))).map(({ config }) => config?.['port'])).not.toContain(8080)
    expect(whyOf(text)).toEqual(['there is no HTTP API: this listener is left out.'])
  })

  it.each([
    ['protocol websockets', 3],
    ['protocol mqtt\ncertfile c\nkeyfile k', 4],
  ])('a Unix socket with %j is left out, and the line that says so is named', (text, line) => {
    const conf = `allow_anonymous true\nlistener 0 /run/mqtt.sock\n${text}`
    expect(entriesOf(sourceOf(conf))).not.toHaveProperty('unixSocket')
    const [remark] = remarksOf(sourceOf(conf))
    expect(remark).toMatch(new RegExp(`mosquitto\\.conf:${line}: .*a Unix socket has neither WebSocket nor TLS`))
  })

  it('socket_domain ipv6 listens on ::, which takes IPv4 as well', () => {
    const text = 'allow_anonymous true\nlistener 1884\nsocket_domain ipv6'
    expect(configOf(text, 'server')).toMatchObject({ host: '::' })
    expect(whyOf(text)).toEqual(['the host `::` takes connections of IPv4 as well, unless the system forbids it.'])
  })

  it('websockets_origin names the origins, one in each line if they are many', () => {
    const origins = Array.from({ length: 6 }, (_, number) => `https://dashboard-${number}.example`)
    const text = `listener 9001\nprotocol websockets\nwebsockets_origin ${origins.join(' ')}\nallow_anonymous true`
    expect(configOf(text, 'webSocket')).toMatchObject({ origins })
    expect(
      Math.max(
        ...sourceOf(text)
          .split('\n')
          .map(({ length }) => length),
      ),
    ).toBeLessThan(180)
    expect(sourceOf(text)).toMatch(/^ +'https:\/\/dashboard-0\.example',$/m)
  })
})

describe('of TLS', () => {
  const tls = (text: string, files = 'certfile s.crt\nkeyfile s.key') =>
    `listener 1883 127.0.0.1\nallow_anonymous true\nlistener 8883\n${files}\n${text}`

  it.each([
    ['tls_version tlsv1.1', { minimumVersion: 'TLSv1.2' }],
    ['tls_version tlsv1.2', { minimumVersion: 'TLSv1.2' }],
    ['ciphers A:B', { ciphers: 'A:B' }],
    ['capath /etc/ca\nrequire_certificate true', { ca: '/etc/ca/ca.pem', clientCertificates: 'require' }],
    ['require_certificate true', { ca: './ca.pem', clientCertificates: 'require' }],
  ])('%j becomes %j', (text, expected) => {
    expect(configOf(tls(text), 'tls')).toMatchObject({ cert: 's.crt', key: 's.key', ...expected })
  })

  it.each([
    ['tls_version tlsv1.1', 'TLS 1.2 is the oldest version.'],
    ['ciphers_tls1.3 C', 'ciphers of TLS 1.3 are set together with those of TLS 1.2, in `ciphers`.'],
    ['dhparamfile dh.pem', 'Node chooses the parameters.'],
    ['psk_hint h', 'there is no TLS with pre-shared keys.'],
    ['capath /etc/ca', 'clients are not asked for certificates.'],
    ['crlfile revoked.pem', 'clients are not asked for certificates.'],
    [
      'capath /etc/ca\nrequire_certificate true',
      'put the certificates of this folder into one file, and name it in `ca`.',
    ],
    [
      'require_certificate true',
      'no cafile says who signs the certificates of clients: put their authorities into `ca`.',
    ],
    [
      'use_identity_as_username true',
      'no cafile says who signs the certificates of clients: put their authorities into `ca`.',
    ],
  ])('%j: the operator is told %s', (text, why) => {
    expect(whyOf(tls(text))).toEqual([why])
  })

  it.each([
    ['keyfile k', '', 'certfile and keyfile belong together: this listener is left out.'],
    ['certfile s\nkeyfile k', 'tls_keyform engine', 'keys of engines cannot be used: this listener is left out.'],
  ])('%j %j never becomes a listener without TLS', (files, more, why) => {
    const ports = Object.values(entriesOf(sourceOf(tls(more, files)))).map(({ config }) => config?.['port'])
    expect(ports).not.toContain(8883)
    expect(whyOf(tls(more, files))).toEqual([why])
  })

  it('without certfile and keyfile the other options have no effect, unless they are off', () => {
    const text = 'listener 1883 127.0.0.1\nallow_anonymous true\ncafile ca.crt\nrequire_certificate false'
    expect(whyOf(text)).toEqual(['this has no effect without certfile and keyfile.'])
  })
})

describe('of the whole broker', () => {
  it.each([
    ['max_inflight_messages 0', 'broker', { maximumInflight: 65_535, maximumInflightMqtt3: 65_535 }],
    ['max_inflight_messages 70000', 'broker', { maximumInflight: 65_535, maximumInflightMqtt3: 65_535 }],
    ['max_packet_size 100000', 'mqttDecoder', { maximumPacketSize: 100_000 }],
    ['max_packet_size 1', 'mqttDecoder', { maximumPacketSize: 40, maximumConnectPacketSize: 128 }],
    ['log_dest none', 'logger', { level: 'silent' }],
    ['log_dest stdout', 'logger', { destination: 'stdout' }],
    ['auto_id_prefix a/b', 'mqttHandler', undefined],
    ['max_keepalive 65535', 'mqttHandler', undefined],
    ['queue_qos0_messages false', 'broker', undefined],
  ])('%s becomes a value of %s: %j', (text, name, expected) => {
    expect(configOf(text, name)).toEqual(expected)
  })

  it.each([
    ['max_inflight_messages 70000', 'the value is 65535 here: it can be 1 to 65535.'],
    ['max_packet_size 1', 'the value is 40 here: it can be 40 to 268435460.'],
    ['auto_id_prefix a/b', 'the prefix of assigned Client Identifiers has at most 200 characters, and no +, # or /.'],
    ['log_dest stdout\nlog_dest stderr', 'the log has one destination.'],
    ['log_dest syslog', 'the log goes to stdout, to stderr or into a file.'],
    ['queue_qos0_messages true', 'messages at QoS 0 are not queued for clients that are away.'],
    ['connection_messages false', 'connections are always logged, at level info.'],
  ])('%j: the operator is told %s', (text, why) => {
    expect(whyOf(text)).toEqual([why])
  })

  it('a default value before the first listener does not open the default listener', () => {
    const text =
      'per_listener_settings true\nallow_zero_length_clientid true\nmax_connections -1\nlistener 1884 127.0.0.1\nallow_anonymous true'
    expect(entriesOf(sourceOf(text))).not.toHaveProperty('tcp')
    expect(entriesOf(sourceOf(text.replace('clientid true', 'clientid false')))).toHaveProperty('tcp')
  })
})

describe('in a remark', () => {
  it('a long value is cut, and a line without a value is its name', () => {
    const [long, bare] = remarksOf(sourceOf(`frobnicate ${'x'.repeat(100)}\nfrobnicate`))
    expect(long).toContain(`frobnicate ${'x'.repeat(80)}…: mosquitto.conf(5) does not have this option`)
    expect(bare).toContain(':2: frobnicate: mosquitto.conf(5)')
  })
})

it('refuses a file that is far too large for a config', () => {
  const file = join(folder, 'large.conf')
  writeFileSync(file, '')
  truncateSync(file, 16 * 1024 ** 2 + 1)
  expect(() => convertConf(file, true)).toThrow('large.conf has more than 16777216 bytes')
})
