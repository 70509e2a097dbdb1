import { describe, expect, it } from 'vitest'
import { conformanceBroker, isOtherBroker, unique } from '../helpers/conformance-broker.ts'

const MALFORMED = 0x81
const PROTOCOL_ERROR = 0x82
const FILTER_INVALID = 0x8f
const NAME_INVALID = 0x90

describe.concurrent('4.7 Topic Names and Topic Filters', () => {
  const broker = conformanceBroker()
  const refused = async (packet: string, ...reasonCodes: number[]) => {
    const client = await broker.connect()
    client.send(packet)
    await client.expectDisconnect(...reasonCodes)
  }

  it.each(['#', '+', 'sport/#', 'sport/+/player', 'sport+', '#sport'])(
    'the Topic Name %s is refused [MQTT-4.7.0-1]',
    async (topic) => {
      await refused(`30 @ "${topic}" [] 78`, NAME_INVALID)
      const client = await broker.open()
      client.send(`10 @ "MQTT" 05 06 003c [] "${unique()}" [] "${topic}" <78>`)
      await client.expectRefusal(NAME_INVALID)
    },
  )

  it.each(['sport/tennis#', 'sport/tennis/#/ranking', '##', '#/a', 'a/#b'])(
    'the Topic Filter %s is refused [MQTT-4.7.1-1]',
    async (filter) => {
      await refused(`82 @ 0001 [] "${filter}" 00`, FILTER_INVALID)
      await refused(`a2 @ 0001 [] "${filter}"`, FILTER_INVALID, MALFORMED)
    },
  )

  it.each(['sport+', '+sport', 'a/b+/c', '++', 'a/+#'])(
    'the Topic Filter %s is refused [MQTT-4.7.1-2]',
    async (filter) => {
      await refused(`82 @ 0001 [] "${filter}" 00`, FILTER_INVALID)
      await refused(`a2 @ 0001 [] "${filter}"`, FILTER_INVALID, MALFORMED)
    },
  )

  // `T` stands for a level of the test's own.
  it.each([
    ['T/#', ['T', 'T/', 'T/a', 'T/a/b', 'T//'], ['Tx', 'x/T', '/T']],
    ['T/+', ['T/', 'T/a'], ['T', 'T/a/b', 'T//']],
    ['T/+/b', ['T/a/b', 'T//b'], ['T/b', 'T/a/c', 'T/a/b/c']],
    ['T/+/#', ['T/', 'T/a', 'T/a/b/c'], ['T']],
    ['+/T', ['/T', 'a/T'], ['T', 'a/b/T', 'a/T/']],
    ['+/T/#', ['/T', 'a/T', 'a/T/b'], ['T', 'b/a/T']],
    ['+/+/T', ['//T', 'a/b/T'], ['a/T']],
    ['T', ['T'], ['T/', '/T', 'T/a']],
    ['/T', ['/T'], ['T', '//T', '/T/']],
  ])('the Topic Filter %s matches %j and not %j [MQTT-4.7.1-1, MQTT-4.7.1-2]', async (filter, matching, others) => {
    const level = unique()
    const inPlace = (topic: string) => topic.replace('T', level)
    const client = await broker.connect()
    await client.subscribe(inPlace(filter))
    for (const topic of [...matching, ...others]) await client.publish(inPlace(topic), topic, { qos: 0 })
    expect((await client.untilPing()).map(({ payload }) => payload)).toEqual(matching)
  })

  it.skipIf(isOtherBroker)(
    'a filter that begins with a wildcard does not match a topic that begins with $ [MQTT-4.7.2-1]',
    async () => {
      const level = unique()
      const client = await broker.connect()
      const filters = ['#', '+/#', `+/${level}`, `+/${level}/#`, `$SYS/${level}`, '$SYS/#', `$SYS/+`, '$other/#']
      const identifiers = filters.map((filter, index) => ({ filter, identifier: index + 1 }))
      for (const { filter, identifier } of identifiers) await client.subscribe(filter, { identifier })
      broker.publish(`$SYS/${level}`, 'x')
      const packets = (await client.untilPing()).filter((packet) => packet.topic?.endsWith(level))
      const matched = packets.flatMap(({ properties }) => properties.subscriptionIdentifier).sort()
      expect(matched).toEqual([5, 6, 7])
    },
  )

  it.each(['#', '+/a', '+/#'])('a retained message under $ is not sent to %s [MQTT-4.7.2-1]', async (filter) => {
    // Clients may not publish there, with RETAIN neither.
    const client = await broker.connect()
    await client.publish('$SYS/a', 'x', { retain: true })
    await client.subscribe(filter)
    expect((await client.untilPing()).filter((packet) => packet.topic?.startsWith('$'))).toEqual([])
  })

  it('an empty Topic Name or Topic Filter is refused [MQTT-4.7.3-1]', async () => {
    await refused('30 @ "" [] 78', PROTOCOL_ERROR, NAME_INVALID)
    await refused('82 @ 0001 [] "" 00', FILTER_INVALID, PROTOCOL_ERROR, MALFORMED)
    await refused('a2 @ 0001 [] ""', FILTER_INVALID, PROTOCOL_ERROR, MALFORMED)
  })

  it.each(['/', '//', ' ', 'a'])('%j is a Topic Name and a Topic Filter [MQTT-4.7.3-1]', async (topic) => {
    const client = await broker.connect()
    await client.subscribe(topic, { nl: false })
    const payload = unique()
    await client.publish(topic, payload)
    expect((await client.untilPing()).map((packet) => [packet.topic, packet.payload])).toContainEqual([topic, payload])
  })

  it('U+0000 in a Topic Name or Topic Filter is refused [MQTT-4.7.3-2]', async () => {
    await refused('30 @ <610062> [] 78', MALFORMED)
    await refused('82 @ 0001 [] <610062> 00', MALFORMED)
    await refused('a2 @ 0001 [] <610062>', MALFORMED)
  })

  it('a Topic Name may have 65,535 bytes [MQTT-4.7.3-3]', async () => {
    const topic = `${unique()}/${'x'.repeat(65_535)}`.slice(0, 65_535)
    const client = await broker.connect()
    await client.subscribe(`${topic.split('/')[0]}/+`)
    await client.publish(topic, 'x')
    expect((await client.message()).topic).toBe(topic)
  })

  it('a Topic Filter of 65,535 bytes is granted or refused, and the connection stays open [MQTT-4.7.3-3]', async () => {
    const client = await broker.connect()
    client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'x'.repeat(65_535), qos: 0 }] })
    const { granted } = await client.take('suback')
    expect([0, 0x97, 0x80, 0x83]).toContain(granted![0])
    await client.expectNothing()
  })

  it('topics are compared as they are: case, slashes, spaces, composed and decomposed letters differ [MQTT-4.7.3-4]', async () => {
    const level = unique()
    const names = [
      'a',
      'A',
      'a/',
      '/a',
      'a//',
      ' a',
      'a ',
      '\u00e9',
      'e\u0301',
      '\u212b',
      '\u00c5',
      'ß',
      'ss',
      '.',
      '..',
      '%61',
      '$',
      '*',
    ]
    const client = await broker.connect()
    for (const [index, name] of names.entries()) await client.subscribe(`${level}/${name}`, { identifier: index + 1 })
    for (const name of names) {
      await client.publish(`${level}/${name}`, name)
      const packet = await client.message({ topic: `${level}/${name}` })
      expect([packet.properties.subscriptionIdentifier].flat()).toEqual([names.indexOf(name) + 1])
    }
    await client.expectNothing()
  })
})
