import { describe, expect, it } from 'vitest'
import { realBroker } from '../helpers/real-broker.ts'

const VERSIONS = [3, 4, 5] as const
const QOS = [0, 1, 2] as const
const pairs = VERSIONS.flatMap((from) => VERSIONS.map((to) => [from, to] as const))
const { connect } = realBroker()

describe.each(pairs)('mqtt.js of version %i to version %i', (from, to) => {
  it('delivers at the lower of both QoS, in order, each once', async () => {
    const [publisher, subscriber] = await Promise.all([connect(from), connect(to)])
    for (const granted of QOS) await subscriber.mqtt.subscribeAsync(`${from}${to}/${granted}`, { qos: granted })
    for (const granted of QOS) {
      const sent = QOS.flatMap((qos) => [1, 2, 3].map((n) => ({ qos, payload: `${qos}.${n}` })))
      const topic = `${from}${to}/${granted}`
      await Promise.all(sent.map(({ qos, payload }) => publisher.mqtt.publishAsync(topic, payload, { qos })))
      const received = await subscriber.take(sent.length)
      for (const qos of QOS) {
        const ofQoS = received.filter(({ payload }) => payload.startsWith(`${qos}.`))
        expect(ofQoS.map(({ payload }) => payload)).toEqual([1, 2, 3].map((n) => `${qos}.${n}`))
        for (const message of ofQoS) {
          expect(message).toMatchObject({ topic, qos: Math.min(qos, granted), dup: false, retain: false })
        }
      }
    }
    expect(await subscriber.payloads()).toEqual([])
  })

  it('retains a message for later subscribers, replaces it, and forgets it', async () => {
    const [publisher, subscriber] = await Promise.all([connect(from), connect(to)])
    const topic = `retained/${from}${to}`
    const later = async (qos: 0 | 1 | 2) => {
      await subscriber.mqtt.subscribeAsync(`${topic}/#`, { qos })
      const payloads = await subscriber.payloads()
      await subscriber.mqtt.unsubscribeAsync(`${topic}/#`)
      return payloads
    }
    await publisher.mqtt.publishAsync(topic, 'first', { qos: 1, retain: true })
    await publisher.mqtt.publishAsync(`${topic}/a/b`, 'below', { qos: 2, retain: true })
    await publisher.mqtt.publishAsync(`${topic}x`, 'beside', { qos: 1, retain: true })
    expect((await later(0)).sort()).toEqual(['below', 'first'])
    await publisher.mqtt.publishAsync(topic, 'second', { qos: 1, retain: true })
    expect((await later(2)).sort()).toEqual(['below', 'second'])
    await subscriber.mqtt.subscribeAsync(topic, { qos: 1 })
    expect(await subscriber.next()).toMatchObject({ payload: 'second', retain: true, qos: 1 })
    for (const cleared of [topic, `${topic}/a/b`, `${topic}x`]) {
      await publisher.mqtt.publishAsync(cleared, '', { qos: 1, retain: true })
    }
    expect(await subscriber.next()).toMatchObject({ payload: '', retain: false })
    expect(await later(1)).toEqual([])
  })

  it('publishes the will of a client whose connection is lost, and not of a client that disconnects', async () => {
    const subscriber = await connect(to)
    await subscriber.mqtt.subscribeAsync('will/+', { qos: 2 })
    const will = (name: string) => ({
      will: { topic: `will/${name}`, payload: Buffer.from(`${name} is gone`), qos: 1 as const, retain: false },
    })
    const [leaves, vanishes] = await Promise.all([connect(from, will('polite')), connect(from, will('lost'))])
    await leaves.end()
    await vanishes.vanish()
    expect(await subscriber.next()).toMatchObject({ topic: 'will/lost', payload: 'lost is gone', qos: 1 })
    expect(await subscriber.payloads()).toEqual([])
  })

  it('shares a subscription among members of both versions', async () => {
    const members = await Promise.all([connect(from), connect(to)])
    const publisher = await connect(from)
    const topic = `shared/${from}${to}`
    for (const { mqtt } of members) await mqtt.subscribeAsync(`$share/group/${topic}`, { qos: 1 })
    const sent = Array.from({ length: 20 }, (_, n) => `${n}`)
    for (const payload of sent) await publisher.mqtt.publishAsync(topic, payload, { qos: 1 })
    const shares = await Promise.all(members.map((member) => member.payloads()))
    expect(shares.flat().sort()).toEqual([...sent].sort())
    for (const share of shares) expect(share.length).toBeGreaterThan(0)
    await members[0]!.end()
    for (const payload of sent) await publisher.mqtt.publishAsync(topic, payload, { qos: 1 })
    expect(await members[1]!.payloads()).toEqual(sent)
  })
})
