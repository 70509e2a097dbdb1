import { createPrivateKey, X509Certificate } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type KeyPair, type TestAuthority, TestFiles, testCertificates } from '../../../test/helpers/certificates.ts'
import { loadTls, tlsFiles } from './load-tls.ts'
import { tlsOptions } from './tls-config.ts'
import { tlsPeer } from './tls-peer.ts'

const files = new TestFiles()
let authority: TestAuthority
let server: KeyPair
beforeAll(async () => {
  ;({ authority, server } = await testCertificates())
})
afterAll(() => files.remove())
const options = (config: object) => z.object(tlsOptions).parse(config)

describe('the files of a listener with TLS', () => {
  it('are listed', () => {
    const config = { cert: 'a', key: 'b', certificates: [{ cert: 'c', key: 'd' }], ca: 'e', crl: ['f', 'g'] }
    expect(tlsFiles(options(config))).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g'])
    expect(tlsFiles(options({ certificates: [{ cert: 'c', key: 'd' }] }))).toEqual(['c', 'd'])
  })

  it('give each certificate its names and its end, that of the first in the chain to expire', async () => {
    const soon = new Date(Math.floor(Date.now() / 1000) * 1000 + 5_000_000)
    const intermediate = await authority.leaf({ subject: 'CN=Intermediate', notAfter: soon })
    const chain = files.pair('chain', { ...server, cert: `${server.cert}\n${intermediate.cert}` })
    const old = files.pair('old', await authority.leaf({ subject: 'CN=Old.example' }))
    const named = { ...files.pair('named', server), names: ['Named.example'] }
    const addressOnly = files.pair('address', await authority.leaf({ subject: 'CN=not-a-name', ip: ['192.0.2.1'] }))
    const { certificates } = await loadTls(options({ ...chain, certificates: [old, named, addressOnly] }))
    const twoNames = files.pair('two', await authority.leaf({ subject: 'CN=one.example,CN=two.example' }))
    // Which of two common names is meant is not known.
    expect((await loadTls(options(twoNames))).certificates[0].names).toEqual([])
    expect(certificates.map(({ names }) => names)).toEqual([['localhost'], ['old.example'], ['named.example'], []])
    expect(certificates[0].expiresAtMs).toBe(soon.getTime())
  })

  it('may have keys that are encrypted', async () => {
    const encrypt = (passphrase: string) =>
      createPrivateKey(server.key)
        .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase })
        .toString()
    const [one, other] = ['one', 'other'].map((word) => files.pair(word, { ...server, key: encrypt(word) }))
    const config = { ...one, passphrase: 'one', certificates: [{ ...other, passphrase: 'other' }] }
    expect((await loadTls(options(config))).certificates.length).toBe(2)
    const advice = 'one.key cannot be read: .*It is encrypted: set passphrase to the right one'
    await expect(loadTls(options({ ...one }))).rejects.toThrow(new RegExp(advice))
    await expect(loadTls(options({ ...one, passphrase: 'wrong' }))).rejects.toThrow(new RegExp(advice))
    await expect(loadTls(options({ ...one, passphrase: 'wrong' }))).rejects.not.toThrow('wrong')
  })

  it('are named when they are not right', async () => {
    const pair = files.pair('server', server)
    const nonsense = files.write('nonsense', 'nonsense')
    const load = (config: object) => loadTls(options({ ...pair, ...config }))
    await expect(load({ cert: nonsense })).rejects.toThrow(`The certificate ${nonsense} cannot be read: there is no`)
    await expect(load({ ca: nonsense })).rejects.toThrow(`The certificate ${nonsense} cannot be read`)
    await expect(load({ crl: [nonsense] })).rejects.toThrow(
      `The certificate revocation list ${nonsense} cannot be read`,
    )
    await expect(load({ ca: '/nowhere/ca.pem' })).rejects.toThrow(
      'The file /nowhere/ca.pem (ca) cannot be read: ENOENT',
    )
    await expect(load({ ciphers: 'NO-SUCH-CIPHER' })).rejects.toThrow(/server\.pem cannot be set up: .*no cipher match/)
    await expect(loadTls(options({}))).rejects.toThrow('TLS needs a certificate')
  })
})

describe('what the broker is told of a client', () => {
  it('is nothing without TLS certificate and server name', () =>
    expect([tlsPeer(undefined, undefined), tlsPeer(false, undefined), tlsPeer(null, undefined)]).toEqual([{}, {}, {}]))

  it('is its certificate', async () => {
    const subject = 'CN=device-7, OU=Line 3, O="Example, Inc.", C=DE'
    const { cert, serial } = await authority.leaf({ subject, dns: ['device-7.example'], uri: ['urn:device:7'] })
    const certificate = new X509Certificate(cert)
    expect(tlsPeer('broker.example', certificate)).toEqual({
      serverName: 'broker.example',
      subject: expect.stringMatching(/Example\\, Inc\./),
      commonName: 'device-7',
      serial: serial.toUpperCase(),
      fingerprint: certificate.fingerprint256,
      alternativeNames: ['DNS:device-7.example', 'URI:urn:device:7'],
    })
    const parts = tlsPeer('', certificate).subject!.split(/(?<!\\),/)
    expect(parts.sort()).toEqual(['C=DE', 'CN=device-7', 'O=Example\\, Inc.', 'OU=Line 3'])
  })

  it('is no common name when there are two', async () => {
    const { cert } = await authority.leaf({ subject: 'CN=admin, CN=device-7' })
    const peer = tlsPeer(undefined, new X509Certificate(cert))
    expect([Object.keys(peer).includes('commonName'), peer.subject]).toEqual([false, expect.stringContaining('admin')])
  })
})
