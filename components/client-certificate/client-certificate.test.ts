import { describe, expect, it } from 'vitest'
import type { AuthenticationAnswer, Authenticator, Credentials } from '../../src/kinds/authenticator.ts'
import type { Peer, PeerTls } from '../../src/kinds/peer.ts'
import { authenticatorContract } from '../../test/contract/authenticator.ts'
import { peerAt } from '../../test/helpers/peer-at.ts'
import { ClientCertificate } from './client-certificate.ts'
import { clientCertificateConfig } from './config.ts'
import { clientCertificate } from './index.ts'
import { measuresOf } from './measures.ts'
import { attributeValues } from './subject.ts'

const fingerprint = Array.from({ length: 32 }, (_, at) => at.toString(16).padStart(2, '0').toUpperCase()).join(':')
const device: PeerTls = {
  subject: 'CN=device-7,OU=Line 1,OU=Presses,O=Example',
  commonName: 'device-7',
  serial: '0A1B',
  fingerprint,
  alternativeNames: ['DNS:device-7.example', 'URI:urn:device:7', 'URI:urn:other', 'email:a@example'],
}
const peer = (tls?: PeerTls): Peer => ({ ...peerAt('192.0.2.7:1'), transport: 'tls', ...(tls && { tls }) })
const open = (config: object = {}) => new ClientCertificate('certificates', clientCertificateConfig.parse(config))
const ask = (config: object, more: Partial<Credentials> = {}): AuthenticationAnswer =>
  open(config).authenticate({ clientId: 'c', userName: undefined, password: undefined, peer: peer(device), ...more })
const allowed = { result: 'allow', userName: 'device-7' }

/** The contract proves users by passwords: here each is the private key of a certificate. */
const byKey = (authenticator: ClientCertificate): Authenticator => ({
  name: authenticator.name,
  authenticate: ({ password, ...rest }) => {
    const [, commonName] = /^key of (ann|bob)$/.exec(Buffer.from(password ?? []).toString()) ?? []
    const tls = commonName === undefined ? undefined : { commonName }
    return authenticator.authenticate({ ...rest, password: undefined, peer: peer(tls) })
  },
  accepts: (identity) => authenticator.accepts(identity),
})

authenticatorContract('clientCertificate', {
  create: () => byKey(open()),
  users: [
    { userName: 'ann', password: 'key of ann', peer: peer({ commonName: 'ann' }) },
    { userName: 'bob', password: 'key of bob', peer: peer({ commonName: 'bob' }) },
  ],
  wrongPassword: 'pass',
  unknownUser: 'pass',
})

describe('the user name', () => {
  it.each([
    [{}, 'device-7'],
    [{ userName: 'subject' }, device.subject],
    [{ userName: 'alternativeName', alternativeNameType: 'DNS' }, 'device-7.example'],
    [{ userName: 'alternativeName', alternativeNameType: 'email' }, 'a@example'],
  ])('is taken from the certificate: %j', (config, userName) => {
    expect(ask(config)).toEqual({ result: 'allow', userName })
  })

  it.each([
    [{}, { ...device, commonName: undefined }, 'single common name'],
    [{}, { ...device, commonName: '' }, 'single common name'],
    [{}, { ...device, commonName: 'root\0.evil' }, 'single common name'],
    [{}, { ...device, commonName: 'x'.repeat(65_536) }, 'single common name'],
    [{ userName: 'subject' }, { serial: '1' }, 'subject'],
    [{ userName: 'alternativeName', alternativeNameType: 'URI' }, device, 'single alternative name of type URI'],
    [{ userName: 'alternativeName', alternativeNameType: 'IP Address' }, device, 'of type IP Address'],
    [{ userName: 'alternativeName', alternativeNameType: 'DNS' }, { commonName: 'DNS:a' }, 'of type DNS'],
  ])('refuses a certificate without it: %j', (config, tls, why) => {
    expect(ask(config, { peer: peer(tls) })).toMatchObject({ result: 'deny', why: expect.stringContaining(why) })
  })

  it('of CONNECT must be the same, unless the config allows another', () => {
    expect(ask({}, { userName: 'device-7' })).toEqual(allowed)
    for (const userName of ['root', 'DEVICE-7', 'device-7 ', '']) {
      expect(ask({}, { userName })).toMatchObject({ result: 'deny' })
    }
    expect(ask({ userNameMustMatch: false }, { userName: 'root' })).toEqual(allowed)
  })
})

it.each([[undefined], [{}], [{ serverName: 'broker.example' }]])(
  'passes a client without a certificate on: %j',
  (tls) => {
    expect(ask({}, { peer: peer(tls), userName: 'device-7' })).toEqual({ result: 'pass' })
  },
)

it('passes a client with a password on, ignores the password or refuses it, by the config', () => {
  const password = Buffer.from('pencil')
  expect(ask({}, { password })).toEqual({ result: 'pass' })
  expect(ask({ password: 'ignore' }, { password })).toEqual(allowed)
  expect(ask({ password: 'deny' }, { password })).toMatchObject({ result: 'deny' })
})

describe('a certificate that is denied', () => {
  it.each([
    [{ deniedFingerprints: [fingerprint] }],
    [{ deniedFingerprints: [fingerprint.replaceAll(':', '').toLowerCase()] }],
    [{ deniedSerials: ['a1b'] }],
    [{ deniedSerials: ['00:0a:1b'] }],
  ])('is refused, also with a password, and no longer accepted: %j', (config) => {
    expect(ask(config)).toMatchObject({ result: 'deny', why: expect.stringContaining('list') })
    expect(ask(config, { password: Buffer.from('x') })).toMatchObject({ result: 'deny' })
    expect(open(config).accepts({ clientId: 'c', userName: 'device-7', peer: peer(device) })).toBe(false)
    const other = { ...device, serial: '0A1C', fingerprint: fingerprint.replace('1F', '20') }
    expect(ask(config, { peer: peer(other) })).toEqual(allowed)
  })

  it.each([
    [{ deniedFingerprints: [fingerprint] }, 'fingerprint'],
    [{ deniedSerials: ['a1b'] }, 'serial number'],
  ])('refuses a certificate of which a proxy does not say enough to look: %j', (config, field) => {
    const proxied = peer({ commonName: 'device-7' })
    const why = expect.stringContaining(`does not say the ${field}`)
    expect(ask(config, { peer: proxied })).toMatchObject({ result: 'deny', why })
    expect(open(config).accepts({ clientId: 'c', userName: 'device-7', peer: proxied })).toBe(false)
    expect(ask({}, { peer: proxied })).toEqual(allowed)
  })
})

describe('groups', () => {
  const config = { groupsFromOrganizationalUnit: true }

  it('are the organizational units, if the config enables it', () => {
    expect(ask(config)).toEqual({ ...allowed, attributes: { groups: ['Line 1', 'Presses'] } })
  })

  it.each([
    ['CN=a,OU=b', ['b']],
    ['CN=a\\,OU=admins', []],
    ['CN=a\\, OU=admins,OU=b\\, c', ['b, c']],
    ['CN="a,OU=admins",OU="b,c"', ['b,c']],
    ['CN=a\\2COU=admins', []],
    ['CN=a+OU=b', ['b']],
    ['CN=a\\+OU=b', []],
    ['OU=b\nCN=a\\\nOU=admins', ['b']],
    ['CN=a\\\\,OU=b', ['b']],
    ['OU=\\C3\\A9', ['é']],
    ['XOU=a,ou=b', []],
    ['', []],
    ['OU', []],
    ['OU="a', []],
    ['CN="a,OU=admins', []],
    ['OU=a\\', []],
    ['CN=a + OU=b + O=c', ['b']],
    ['OU=\\ b\\ ,CN=a', [' b ']],
  ])('cannot be forged by another part of the subject: %j', (subject, groups) => {
    expect(attributeValues(subject, 'OU')).toEqual(groups)
  })
})

it('is described by what the user name is taken from, and has measures', () => {
  expect(clientCertificate.describe!(clientCertificateConfig.parse({}))).toBe('commonName')
  const opened = open()
  opened.authenticate({ clientId: 'c', userName: undefined, password: undefined, peer: peer(device) })
  expect(measuresOf(opened).map(({ name, read }) => [name, read()])).toContainEqual(['allowed', 1])
})

it('has a config that names what is wrong', () => {
  for (const config of [
    { userName: 'alternativeName' },
    { alternativeNameType: 'DNS' },
    { deniedFingerprints: ['AA'] },
    { deniedSerials: ['x'] },
    { deniedSerials: [''] },
  ]) {
    expect(clientCertificateConfig.safeParse(config).success).toBe(false)
  }
})
