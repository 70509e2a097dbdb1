import { X509Certificate } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { type KeyPair, TestAuthority, testCertificates } from '../../../test/helpers/certificates.ts'
import { certificateKey, RevokedCertificates } from './revoked-certificates.ts'

const keyOf = ({ cert }: KeyPair): string => certificateKey(new X509Certificate(cert).raw)

describe('revocation lists', () => {
  let authority: TestAuthority
  let revoked: KeyPair
  let valid: KeyPair
  beforeAll(async () => {
    ;({ authority, client: valid } = await testCertificates())
    revoked = await authority.client('revoked')
  })
  const load = (...lists: string[]): RevokedCertificates => {
    const certificates = new RevokedCertificates()
    for (const list of lists) certificates.add(list)
    return certificates
  }

  it('name certificates by their issuer and serial number', async () => {
    const other = await TestAuthority.create('CN=Other')
    const others = await Promise.all([1, 2, 3, 4, 5].map((index) => other.client(`client-${index}`)))
    const list = load(await authority.revoke([revoked]))
    expect([list.size, list.has(keyOf(revoked)), list.has(keyOf(valid))]).toEqual([1, true, false])
    // A certificate of the other authority has the same serial number.
    const foreign = load(await other.revoke([{ ...others[0]!, serial: revoked.serial }]))
    expect(foreign.has(keyOf(revoked))).toBe(false)
  })

  it('may be empty, several in a file, and of several files', async () => {
    const [empty, one] = [await authority.revoke([]), await authority.revoke([revoked])]
    expect(load(empty)).toMatchObject({ size: 0 })
    expect(load(`${empty}\n${one}`).has(keyOf(revoked))).toBe(true)
    expect(load(one, empty).has(keyOf(revoked))).toBe(true)
  })

  it('say when the first of them is out of date', async () => {
    const [soon, later] = [new Date('2031-02-03T04:05:06Z'), new Date('2061-02-03T04:05:06Z')]
    const list = load(await authority.revoke([], later), await authority.revoke([], soon))
    expect(list.nextUpdateMs).toBe(soon.getTime())
    expect(load(await authority.revoke([], later)).nextUpdateMs).toBe(later.getTime())
  })

  it('that are damaged are an error, and nothing else', async () => {
    const pem = await authority.revoke([revoked, valid])
    const der = Buffer.from(pem.replace(/-----.*-----/g, ''), 'base64')
    const asPem = (bytes: Uint8Array) =>
      `-----BEGIN X509 CRL-----\n${Buffer.from(bytes).toString('base64')}\n-----END X509 CRL-----`
    expect(() => load('nonsense')).toThrow('there is no "BEGIN X509 CRL" in it')
    for (let length = 0; length < der.length; length += 1) expect(() => load(asPem(der.subarray(0, length)))).toThrow()
    for (let position = 0; position < der.length; position += 1) {
      const damaged = Buffer.from(der)
      damaged[position]! ^= 0xff
      try {
        load(asPem(damaged))
      } catch (error) {
        expect(error).toBeInstanceOf(Error)
      }
    }
  })
})
