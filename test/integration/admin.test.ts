/** Clients, sessions and messages in the admin API of a real broker with real clients, over HTTP. */

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { AdminBroker } from '../helpers/admin-broker.ts'
import { RealClient } from '../helpers/mqtt-js.ts'
import { persistent } from '../helpers/real-broker.ts'

let api: AdminBroker
const clients: RealClient[] = []
const connect = async (
  ...args: Parameters<typeof RealClient.connect> extends [number, ...infer Rest] ? Rest : never
) => {
  const client = await RealClient.connect(api.broker.port, ...args)
  clients.push(client)
  return client
}
beforeAll(async () => {
  api = await AdminBroker.start()
})
afterEach(async () => {
  for (const client of clients.splice(0)) client.mqtt.end(true)
  await expect.poll(() => [...api.broker.map.broker.clients()].length).toBe(0)
  for (const { id } of api.broker.map.broker.sessions()) api.broker.map.broker.endSession(id)
})
afterAll(() => api.stop())

const lineOf = async (message: string | RegExp) => {
  const { body } = await api.get('/log?limit=1000')
  const items = body.items as unknown as { message: string; component: string; level: string; details: object }[]
  return items.find((line) =>
    typeof message === 'string' ? line.message.includes(message) : message.test(line.message),
  )
}

describe('clients', () => {
  it('are listed with what is known of them, and described with their sessions', async () => {
    const client = await connect(5, { clientId: 'kitchen', username: 'bob', password: 'x', keepalive: 30 })
    await client.mqtt.subscribeAsync('a/#', { qos: 1 })
    const item = {
      ...{
        id: 'kitchen',
        userName: 'bob',
        address: '127.0.0.1',
        listener: 'server',
        transport: 'tcp',
        protocolVersion: 5,
      },
      ...{ keepAliveSeconds: 30, pendingBytes: 0, subscriptions: 1, inflight: 0, waiting: 0 },
      ...{ connectedAtMs: expect.any(Number), bytesReceived: expect.any(Number), port: expect.any(Number) },
    }
    expect(await api.get('/clients')).toEqual({ status: 200, body: { items: [item], next: null, total: 1 } })
    const session = { subscriptions: [{ filter: 'a/#', qos: 1 }], inflight: 0, waiting: 0, hasWill: false }
    expect((await api.get('/clients/kitchen')).body).toEqual({
      ...item,
      session: { ...session, expiryIntervalSeconds: 0 },
    })
    expect(await api.get('/clients/nobody')).toEqual({
      status: 404,
      body: { error: 'No client with this identifier is connected.' },
    })
  })

  it('are found by a part of id, user or address, and sorted', async () => {
    await connect(5, { clientId: 'Kitchen-1', username: 'ann' })
    await connect(4, { clientId: 'kitchen-2', username: 'bob' })
    await connect(4, { clientId: 'garden', username: 'annabel' })
    const ids = async (query: string) => {
      const { body } = await api.get(`/clients?${query}`)
      return (body.items as unknown as { id: string }[]).map(({ id }) => id)
    }
    expect(await ids('q=KITCHEN')).toEqual(['Kitchen-1', 'kitchen-2'])
    expect(await ids('q=ann')).toEqual(['Kitchen-1', 'garden'])
    expect(await ids('q=127.0')).toHaveLength(3)
    expect(await ids('q=&user=&address=')).toHaveLength(3)
    expect(await ids('user=ann')).toEqual(['Kitchen-1'])
    expect(await ids('address=192.0.2.7')).toEqual([])
    expect(await ids('sort=id&order=desc')).toEqual(['kitchen-2', 'garden', 'Kitchen-1'])
    expect(await ids('sort=userName')).toEqual(['Kitchen-1', 'garden', 'kitchen-2'])
    expect(await ids('sort=protocolVersion&order=desc')).toEqual(['Kitchen-1', 'kitchen-2', 'garden'])
    expect((await api.get('/clients?sort=constructor')).status).toBe(400)
  })

  it('are disconnected, with a Reason Code, and the log says who did it', async () => {
    const client = await connect(5, { clientId: 'a/b c' })
    const told = client.event('disconnect')
    expect(await api.call('DELETE', '/clients/a%2Fb%20c?reason=137')).toEqual({ status: 200, body: { id: 'a/b c' } })
    expect(await told).toMatchObject([{ reasonCode: 0x89 }])
    await expect.poll(async () => (await api.call('DELETE', '/clients/a%2Fb%20c')).status).toBe(404)
    const line = await lineOf('Admin call by admin')
    expect(line).toMatchObject({
      ...{
        component: 'admin',
        level: 'info',
        message: expect.stringContaining('DELETE /clients/a%2Fb%20c?reason=137 (200)'),
      },
      details: { token: 'admin', method: 'DELETE', target: '/clients/a%2Fb%20c?reason=137', status: 200 },
    })
    expect((await api.call('DELETE', '/clients/x?reason=129')).status).toBe(400)
  })

  it('are banned with their address', async () => {
    const client = await connect(5, { clientId: 'noisy' })
    const told = client.event('disconnect')
    const answer = await api.call('POST', '/clients/noisy/ban', { seconds: 60 })
    expect(answer).toMatchObject({ status: 200, body: { address: '127.0.0.1', byOperator: true } })
    expect(await told).toMatchObject([{ reasonCode: 0x98 }])
    expect((await api.get('/bans')).body).toMatchObject({
      items: [{ address: '127.0.0.1', byOperator: true }],
      total: 1,
    })
    expect(await api.call('DELETE', '/bans/127.0.0.1')).toEqual({ status: 200, body: { address: '127.0.0.1' } })
    expect((await api.call('DELETE', '/bans/127.0.0.1')).status).toBe(404)
  })
})

describe('bans', () => {
  it('are made for addresses', async () => {
    expect((await api.call('POST', '/bans', { address: '2001:db8::7', seconds: 5 })).status).toBe(200)
    expect((await api.get('/bans')).body).toMatchObject({ items: [{ address: '2001:db8:0:0::/64' }] })
    expect((await api.call('DELETE', `/bans/${encodeURIComponent('2001:db8:0:0::/64')}`)).status).toBe(200)
    expect(await api.call('POST', '/bans', { address: 'kitchen', seconds: 5 })).toMatchObject({
      status: 400,
      body: { error: expect.stringContaining('A ban is for an address') },
    })
    for (const seconds of [0, -1, '5', 1e20])
      expect((await api.call('POST', '/bans', { address: '192.0.2.7', seconds })).status).toBe(400)
  })
})

describe('sessions', () => {
  it('are listed with or without a client, described, and ended', async () => {
    const away = await connect(5, persistent('away'))
    await away.mqtt.subscribeAsync('x/#', { qos: 1 })
    await away.mqtt.endAsync()
    await connect(5, { clientId: 'here' })
    await expect.poll(async () => (await api.get('/sessions?connected=false')).body.total).toBe(1)
    const { body } = await api.get('/sessions')
    expect(body).toMatchObject({
      total: 2,
      items: [
        {
          id: 'away',
          connected: false,
          subscriptions: 1,
          expiryIntervalSeconds: 600,
          disconnectedAtMs: expect.any(Number),
        },
        { id: 'here', connected: true },
      ],
    })
    expect((await api.get('/sessions?q=WAY')).body.total).toBe(1)
    expect((await api.get('/sessions/away')).body).toMatchObject({ subscriptions: [{ filter: 'x/#', qos: 1 }] })
    expect(await api.call('DELETE', '/sessions/away')).toEqual({ status: 200, body: { id: 'away' } })
    expect((await api.get('/sessions/away')).status).toBe(404)
    expect((await api.call('DELETE', '/sessions/away')).status).toBe(404)
  })

  it('have subscriptions, which are listed by client and filter', async () => {
    const client = await connect(5, { clientId: 'b' })
    await client.mqtt.subscribeAsync({ 'z/#': { qos: 0 }, 'a/+': { qos: 2 } })
    const other = await connect(5, { clientId: 'a' })
    await other.mqtt.subscribeAsync('m')
    const { body } = await api.get('/subscriptions')
    expect(body).toEqual({
      items: [
        { clientId: 'a', filter: 'm', qos: 0 },
        { clientId: 'b', filter: 'a/+', qos: 2 },
        { clientId: 'b', filter: 'z/#', qos: 0 },
      ],
      next: null,
      total: 3,
    })
    expect((await api.get('/subscriptions?q=Z/')).body.total).toBe(1)
    expect((await api.get('/subscriptions?client=a')).body.total).toBe(1)
  })
})

describe('messages', () => {
  const retain = (topic: string, payload: string | Buffer) =>
    api.broker.map.broker.publish({ topic, payload, retain: true, qos: 1 })
  const clear = async () => {
    for (const { topic } of api.broker.map.broker.retained('#')) api.broker.map.broker.deleteRetained(topic)
  }
  afterEach(clear)

  it('are published, and subscribers get them', async () => {
    const client = await connect(5, { clientId: 'reader' })
    await client.mqtt.subscribeAsync('t', { qos: 1 })
    const answer = await api.call('POST', '/publish', { topic: 't', payload: 'héllo', qos: 1 })
    expect(answer).toEqual({ status: 200, body: { reasonCode: 0, reason: 'Success (0x00)', subscribers: 1 } })
    expect(await client.next()).toMatchObject({ topic: 't', payload: 'héllo', qos: 1 })
    await api.call('POST', '/publish', { topic: 't', payloadBase64: Buffer.from('bytes').toString('base64') })
    expect(await client.next()).toMatchObject({ payload: 'bytes', qos: 0 })
    const nobody = await api.call('POST', '/publish', { topic: 'other', retain: true, payload: 'x', expirySeconds: 60 })
    expect(nobody.body).toEqual({ reasonCode: 16, reason: 'No matching subscribers (0x10)', subscribers: 0 })
    expect((await api.get('/retained/other')).body).toMatchObject({
      payload: { text: 'x' },
      expiresAtMs: expect.any(Number),
    })
  })

  it.each([
    [{ topic: 'a/#' }, 'is no Topic Name'],
    [{ topic: '' }, 'is no Topic Name'],
    [{ topic: 't', payload: 'a', payloadBase64: 'YQ==' }, 'both set'],
    [{ topic: 't', payloadBase64: '%%' }, 'payloadBase64'],
    [{ topic: 't', qos: 3 }, 'qos'],
    [{ topic: 't', __proto__x: 1 }, '__proto__x'],
    [[], ''],
    ['text', ''],
  ])('%j is not published', async (message, error) => {
    const answer = await api.call('POST', '/publish', message)
    expect(answer).toMatchObject({ status: 400, body: { error: expect.stringContaining(error) } })
  })

  it('with very long topics are in pages of a bounded size, each once', async () => {
    const level = 'x'.repeat(60_000)
    for (let number = 0; number < 40; number += 1) {
      api.broker.map.broker.publish({ topic: `${level}/${number}`, payload: 'p', retain: true })
    }
    const sizes: number[] = []
    for (let after: string | null = ''; after !== null; ) {
      const { body } = await api.get(`/retained?limit=1000${after}`)
      sizes.push((body.items as unknown[]).length)
      expect(body.total).toBe(40)
      after = body.next == null ? null : `&after=${body.next}`
    }
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(40)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(32)
  })

  it('that are retained are read and deleted, whatever their topics are', async () => {
    const topics = [
      'plain',
      'a/b',
      '/',
      'a//b',
      '100%',
      '%2F',
      'ü €',
      '../../etc/passwd',
      '__proto__',
      'constructor',
      'a?b#c',
      'x\ny',
    ]
    for (const topic of topics.filter((each) => !/[#+]/.test(each))) {
      retain(topic, topic)
      const path = `/retained/${encodeURIComponent(topic)}`
      expect((await api.get(path)).body).toEqual({
        topic,
        payload: { base64: Buffer.from(topic).toString('base64'), text: topic, bytes: Buffer.byteLength(topic) },
        qos: 1,
      })
      expect(await api.call('DELETE', path)).toEqual({ status: 200, body: { topic } })
      expect((await api.get(path)).status).toBe(404)
    }
    expect((await api.get('/retained/a%23')).status).toBe(400)
    expect((await api.call('DELETE', '/retained/a%2B')).status).toBe(400)
  })

  it('have payloads that are cut in lists, and only as text if they are UTF-8', async () => {
    retain('binary', Buffer.from([0xff, 0x00]))
    retain('long', 'ü'.repeat(1_000))
    const { body } = await api.get('/retained')
    const [binary, long] = body.items as unknown as {
      payload: { text?: string; base64: string; bytes: number; isCut?: boolean }
    }[]
    expect(binary!.payload).toEqual({ base64: '/wA=', bytes: 2 })
    expect(long!.payload).toMatchObject({ text: 'ü'.repeat(128), bytes: 2_000, isCut: true })
    expect((await api.get('/retained/long')).body).toMatchObject({ payload: { text: 'ü'.repeat(1_000) } })
  })

  it('are listed by filter, in pages', async () => {
    for (let number = 0; number < 25; number += 1) retain(`list/${number}`, 'x')
    for (let number = 0; number < 25; number += 1) retain(`other/${number}`, 'x')
    const seen: string[] = []
    for (let after = ''; ; ) {
      const { body } = await api.get(`/retained?filter=list/%2B&limit=10${after}`)
      expect(body.total).toBe(25)
      seen.push(...(body.items as unknown as { topic: string }[]).map(({ topic }) => topic))
      if (body.next === null) break
      after = `&after=${body.next}`
    }
    expect(seen).toEqual(Array.from({ length: 25 }, (_, number) => `list/${number}`))
    expect((await api.get('/retained?filter=list/%2B&limit=25')).body.next).toBeNull()
    expect((await api.get('/retained?filter=a%23')).status).toBe(400)
    expect((await api.get('/retained?after=x')).status).toBe(400)
  })

  it('are a tree of topics', async () => {
    for (const topic of ['a', 'a/b/c', 'a/b/d', 'a/x', 'long/way/down', '/top', '$own/x']) retain(topic, topic)
    const level = async (prefix: string) => {
      const { body } = await api.get(`/topics?prefix=${encodeURIComponent(prefix)}`)
      return (
        body.items as unknown as { level: string; topic: string; children: number; payload?: { text: string } }[]
      ).map(({ level: name, topic, children, payload }) => [name, topic, children, payload?.text])
    }
    expect(await level('')).toEqual([
      ['', '', 1, undefined],
      ['$own', '$own', 1, undefined],
      ['a', 'a', 2, 'a'],
      ['long', 'long', 1, undefined],
    ])
    expect(await level('a')).toEqual([
      ['b', 'a/b', 2, undefined],
      ['x', 'a/x', 0, 'a/x'],
    ])
    expect(await level('a/b')).toEqual([
      ['c', 'a/b/c', 0, 'a/b/c'],
      ['d', 'a/b/d', 0, 'a/b/d'],
    ])
    expect(await level('long')).toEqual([['way', 'long/way', 1, undefined]])
    expect(await level('long/way')).toEqual([['down', 'long/way/down', 0, 'long/way/down']])
    expect(await level('/')).toEqual([['top', '/top', 0, '/top']])
    for (const nothing of ['lo', 'a/b/c', 'a/', 'b', '__proto__', 'long/way/down/x'])
      expect(await level(nothing)).toEqual([])
    for (const topic of ['$own/x']) api.broker.map.broker.deleteRetained(topic)
  })
})
