import { expect, it } from 'vitest'
import type { ComponentMeasure } from '../../src/system/define-system.ts'
import { FakeBroker } from '../../test/helpers/fake-broker.ts'
import { lifecycleContext } from '../../test/helpers/lifecycle-context.ts'
import { RecordingLogger } from '../../test/helpers/recording-logger.ts'
import { sysTopicsConfig } from './config.ts'
import { readHandover, type SysTopicsHandover } from './handover.ts'
import { SysTopics } from './sys-topics.ts'

/** A system whose numbers a test sets, and a clock that it moves. */
class FakeSystem {
  readonly broker = new FakeBroker()
  readonly log = new RecordingLogger()
  readonly numbers: Record<string, number> = {}
  nowMs = 5_000
  readonly topics: SysTopics
  readonly #config: object
  readonly #kinds: Record<string, string>

  /** @param numbers by `component.name unit label=value`. @param kinds of the components. */
  constructor(numbers: Record<string, number>, kinds: Record<string, string>, config: object = {}) {
    Object.assign(this.numbers, numbers)
    this.#config = config
    this.#kinds = kinds
    this.topics = this.another()
  }

  /** Topics of the same broker. */
  another(before?: SysTopicsHandover): SysTopics {
    const { system } = lifecycleContext('test')
    const parts = {
      broker: this.broker,
      logger: this.log,
      version: '1.2.3',
      now: () => this.nowMs,
      system: {
        ...system,
        measures: () => Object.keys(this.numbers).map((key) => this.#measure(key)),
        status: () => Object.entries(this.#kinds).map(([name, kind]) => ({ name, kind }) as never),
      },
    }
    return new SysTopics(sysTopicsConfig.parse(this.#config), parts, before)
  }

  #measure(key: string): ComponentMeasure {
    const [place = '', unit = '', label] = key.split(' ')
    const [component = '', name = ''] = place.split('.')
    const [labelName = '', value = ''] = label?.split('=') ?? []
    const measure = { name, unit, help: 'x', kind: 'counter', read: () => this.numbers[key]! } as const
    return { component, measure: label === undefined ? measure : { ...measure, labels: { [labelName]: value } } }
  }

  value(topic: string): string | undefined {
    return this.broker.kept.get(`$SYS/broker/${topic}`)?.payload.toString()
  }
}

const kinds = { handler: 'PipelineStage', listener: 'Listener', other: 'Router', broker: 'Broker', extra: 'Listener' }

it('adds up the measures of a number, over labels and components, and takes no other', () => {
  const system = new FakeSystem(
    {
      'handler.received packets type=CONNECT': 2,
      'handler.received packets type=PUBLISH': 5,
      'handler.received bytes': 1_000,
      'listener.received bytes': 70,
      'extra.received bytes': 30,
      'broker.connected clients': 3,
      'broker.connected clients version=5.0': 100,
    },
    kinds,
  )
  system.topics.publishNow()
  expect(system.value('messages/received')).toBe('7')
  expect(system.value('mqtt/connect/received')).toBe('2')
  expect(system.value('bytes/received')).toBe('100')
  expect(system.value('clients/connected')).toBe('3')
})

it('has no topic for a number that no component has', () => {
  const system = new FakeSystem({}, kinds)
  system.topics.publishNow()
  expect([...system.broker.kept.keys()].sort()).toEqual(
    ['clients/maximum', 'heap/current', 'heap/maximum', 'uptime', 'version'].map((topic) => `$SYS/broker/${topic}`),
  )
})

it('publishes what has changed, the version once, and returns how many', () => {
  const system = new FakeSystem({ 'broker.connected clients': 1 }, kinds)
  system.topics.publishNow()
  const topics = () => system.broker.published.splice(0).map(({ topic }) => topic.slice(12))
  topics()
  system.nowMs += 10_000
  system.numbers['broker.connected clients'] = 2
  const count = system.topics.publishNow()
  const published = topics()
  expect(published.filter((topic) => !topic.startsWith('heap/'))).toEqual([
    'uptime',
    'clients/connected',
    'clients/active',
  ])
  expect(count).toBe(published.length)
  expect([system.value('uptime'), system.value('version')]).toEqual(['10 seconds', 'mqtt-jig version 1.2.3'])
})

it('computes loads from what was counted since the last time, also after a component has begun to count again', () => {
  const system = new FakeSystem({ 'listener.received bytes': 1_000 }, kinds)
  system.topics.publishNow()
  expect(system.value('load/bytes/received/1min')).toBe('0.00')
  system.nowMs += 60_000
  system.numbers['listener.received bytes'] = 1_600
  system.topics.publishNow()
  expect(system.value('load/bytes/received/1min')).toBe((600 * (1 - Math.exp(-1))).toFixed(2))
  expect(system.value('load/bytes/received/15min')).toBe((600 * (1 - Math.exp(-1 / 15))).toFixed(2))
  // It began again: what it counted since is not known, and counts as nothing.
  system.nowMs += 60_000
  system.numbers['listener.received bytes'] = 5
  system.topics.publishNow()
  expect(system.value('load/bytes/received/1min')).toBe((600 * (1 - Math.exp(-1)) * Math.exp(-1)).toFixed(2))
  system.nowMs += 60_000
  system.numbers['listener.received bytes'] = 605
  system.topics.publishNow()
  const expected = 600 + Math.exp(-1) * (600 * (1 - Math.exp(-1)) * Math.exp(-1) - 600)
  expect(system.value('load/bytes/received/1min')).toBe(expected.toFixed(2))
})

it('a measure that cannot be read is logged once, and the other topics are there', () => {
  const system = new FakeSystem({ 'listener.received bytes': 1, 'broker.connected clients': 1 }, kinds)
  Object.defineProperty(system.numbers, 'listener.received bytes', {
    get: () => {
      throw new Error('not readable')
    },
  })
  system.topics.begin()
  system.topics.publishNow()
  expect([system.value('bytes/received'), system.value('clients/connected')]).toEqual([undefined, '1'])
  expect(system.log.at('error').map(({ message }) => message)).toEqual([
    'A measure could not be read: topics below $SYS are made without it',
  ])
  system.topics.stop()
})

it('an error of the broker at the start and in the timer is logged', async () => {
  const system = new FakeSystem({}, kinds, { intervalSeconds: 0.1 })
  let [calls, again] = [0, () => {}]
  const second = new Promise<void>((resolve) => {
    again = resolve
  })
  system.broker.volatileTopics = () => ({
    publish: () => {
      calls += 1
      if (calls === 2) again()
      throw new Error('no room')
    },
    close: () => undefined,
  })
  const topics = system.another()
  topics.begin()
  await second
  topics.stop()
  const message = 'The topics below $SYS were not published'
  expect(system.log.at('error')).toMatchObject([{ message }, { message }])
})

it('times, averages and maxima go on after a reset; what a predecessor of other code left is not used', () => {
  const system = new FakeSystem({ 'listener.received bytes': 0, 'broker.held sessions': 9 }, kinds)
  system.topics.publishNow()
  system.nowMs += 60_000
  system.numbers['listener.received bytes'] = 600
  system.topics.publishNow()
  const load = system.value('load/bytes/received/1min')
  const left = structuredClone(system.topics.suspend())
  expect(system.broker.kept.size).toBe(0)
  Object.assign(system.numbers, { 'listener.received bytes': 0, 'broker.held sessions': 2 })
  const names = ['uptime', 'clients/maximum', 'load/bytes/received/1min']
  system.another(readHandover(left)).publishNow()
  expect(names.map((name) => system.value(name))).toEqual(['60 seconds', '9', load])
  system.another(readHandover({ ...left, startedMs: 'now' })).publishNow()
  expect(names.map((name) => system.value(name))).toEqual(['0 seconds', '2', '0.00'])
})

it('removes its topics when it stops', () => {
  const system = new FakeSystem({ 'broker.connected clients': 1 }, kinds)
  system.topics.begin()
  expect(system.broker.kept.size).toBeGreaterThan(0)
  system.topics.stop()
  expect(system.broker.kept.size).toBe(0)
})
