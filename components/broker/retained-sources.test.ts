import { describe, expect, it } from 'vitest'
import type { Identity } from '../../src/kinds/authorizer.ts'
import { UNKNOWN_PEER } from '../../src/kinds/peer.ts'
import type { RetainedSource } from '../../src/kinds/store.ts'
import { peerAt } from '../../test/helpers/peer-at.ts'
import { RetainedSources } from './retained-sources.ts'

const identityOf = (fields: Partial<Identity> = {}): Identity => ({
  ...{ clientId: 'c', userName: 'u', peer: peerAt('192.0.2.7:50001') },
  ...fields,
})

describe('the sources of retained messages', () => {
  it('are one object for equal publishers, whatever their port', () => {
    const sources = new RetainedSources()
    const one = sources.of({ identity: identityOf(), owner: 'u' })
    sources.hold(one)
    expect(sources.of({ identity: identityOf({ peer: peerAt('192.0.2.7:50002') }), owner: 'u' })).toBe(one)
    expect(sources.restored({ ...one.source })).toBe(one)
    expect(one.source).toEqual({ clientId: 'c', userName: 'u', peer: { ...peerAt('192.0.2.7:0') } })
  })

  it.each<[string, Partial<Identity>, string | undefined]>([
    ['Client Identifiers', { clientId: 'd' }, 'u'],
    ['users', {}, 'v'],
    ['users that were not proved', {}, undefined],
    ['addresses', { peer: peerAt('192.0.2.8:50001') }, 'u'],
    ['peers', { peer: UNKNOWN_PEER }, 'u'],
    ['certificates', { peer: { ...peerAt('192.0.2.7:50001'), tls: { commonName: 'c' } } }, 'u'],
    ['TLS', { peer: { ...peerAt('192.0.2.7:50001'), tls: {} } }, 'u'],
    ['groups', { attributes: { groups: ['g'] } }, 'u'],
    ['rights', { attributes: { isSuperuser: true } }, 'u'],
    ['values', { attributes: { values: { g: 'g' } } }, 'u'],
  ])('are different for other %s', (_, fields, owner) => {
    const sources = new RetainedSources()
    const one = sources.of({ identity: identityOf(), owner: 'u' })
    sources.hold(one)
    expect(sources.of({ identity: identityOf(fields), owner })).not.toBe(one)
  })

  it('are equal in any order of their fields', () => {
    const sources = new RetainedSources()
    const attributes = { groups: ['g'], isSuperuser: false }
    const one = sources.of({ identity: identityOf({ attributes }), owner: undefined })
    sources.hold(one)
    const { address, listener, transport } = one.source.peer!
    const stored: RetainedSource = {
      peer: { transport, listener, port: 0, address },
      attributes: { isSuperuser: false, groups: ['g'] },
      claimedUserName: 'u',
      userName: undefined,
      clientId: 'c',
    }
    expect(sources.restored(stored)).toBe(one)
  })

  it('are forgotten with their last message, and one object again afterwards', () => {
    const sources = new RetainedSources()
    const [first, second] = [identityOf(), identityOf()]
    const one = sources.of({ identity: first, owner: undefined })
    expect([sources.hold(one), sources.hold(one)]).toEqual([one.cost, 0])
    expect([sources.release(one), sources.bytes, sources.count]).toEqual([0, one.cost, 1])
    expect([sources.release(one), sources.bytes, sources.count]).toEqual([one.cost, 0, 0])
    const other = sources.of({ identity: second, owner: undefined })
    sources.hold(other)
    expect(sources.of({ identity: first, owner: undefined })).toBe(other)
    expect([sources.bytes, sources.count]).toEqual([one.cost, 1])
  })
})
