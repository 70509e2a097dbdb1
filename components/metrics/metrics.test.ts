import { afterEach, describe, expect, it, vi } from 'vitest'
import type { LifecycleContext, Measure } from '../../src/system/define-system.ts'
import { counter, gauge } from '../../src/system/define-system.ts'
import type { GraphNode } from '../../src/system/system-graph.ts'
import { FakeHttpServer } from '../../test/helpers/fake-http-server.ts'
import { lifecycleContext } from '../../test/helpers/lifecycle-context.ts'
import { parseMetrics } from '../../test/helpers/prometheus-text.ts'
import { RecordingLogger } from '../../test/helpers/recording-logger.ts'
import { acceptedFormat } from './accepted-format.ts'
import { metricsConfig } from './config.ts'
import { EventLoopDelay } from './event-loop-delay.ts'
import { metrics as component } from './index.ts'
import { measuredFamilies } from './measured-families.ts'
import { MetricsPage } from './metrics-page.ts'

const pages: MetricsPage[] = []
afterEach(() => {
  for (const page of pages.splice(0)) page.stop()
  vi.useRealTimers()
})

const token = 'a token of 24 characters'.replaceAll(' ', '-')

/** A page for these measures of components by their names. */
const start = (
  config: object = {},
  measures: Readonly<Record<string, readonly Measure[]>> = {},
  http = new FakeHttpServer(),
) => {
  const log = new RecordingLogger()
  const context: LifecycleContext = lifecycleContext('metrics')
  const list = Object.entries(measures).flatMap(([name, each]) => each.map((measure) => ({ component: name, measure })))
  const node = (name: string, kind: string, variant?: string) => ({ name, kind, variant }) as GraphNode
  const nodes = [node('handler', 'PipelineStage', 'handler'), node('broker', 'Broker'), node('router', 'Router')]
  const graph = () => ({ nodes, edges: [], problems: [] })
  const system = { ...context.system, measures: () => [...list], graph }
  const page = new MetricsPage(
    metricsConfig.parse(config),
    { http, router: undefined, logger: log },
    { ...context, system },
  )
  pages.push(page)
  return { page, http, log, list }
}

describe('names of metrics', () => {
  const kinds = new Map([
    ['main', { kind: 'Listener' }],
    ['users', { kind: 'HttpAuthenticator' }],
    ['decode', { kind: 'PipelineStage', variant: 'decoder' }],
  ])
  const nameOf = (component: string, measure: Measure): string => {
    const [family] = measuredFamilies([{ component, measure }], kinds).families
    return family!.name
  }
  const read = () => 1

  it.each([
    ['main', counter('received', 'bytes', 'x', read), 'mqtt_jig_server_received_bytes'],
    ['users', gauge('known', 'users', 'x', read), 'mqtt_jig_http_authenticator_known_users'],
    ['decode', gauge('partial', 'bytes', 'x', read), 'mqtt_jig_decoder_partial_bytes'],
    ['other', gauge('open', 'things', 'x', read), 'mqtt_jig_component_open_things'],
    ['main', counter('commits', 'commits', 'x', read), 'mqtt_jig_server_commits'],
    ['main', counter('slowed_down', 'times', 'x', read), 'mqtt_jig_server_slowed_down'],
    ['main', gauge('pressure', 'level', 'x', read), 'mqtt_jig_server_pressure'],
    ['main', gauge('validity', 'days', 'x', read), 'mqtt_jig_server_validity_seconds'],
    ['main', gauge('last', 'milliseconds', 'x', read), 'mqtt_jig_server_last_seconds'],
    ['main', gauge('topic', 'Some Thing', 'x', read), 'mqtt_jig_server_topic_some_thing'],
    ['main', gauge('built', 'constructor', 'x', read), 'mqtt_jig_server_built_constructor'],
    ['main', gauge('word', 'count', 'x', read), 'mqtt_jig_server_word_count_value'],
  ])('%s %o', (name, measure, expected) => {
    expect(nameOf(name, measure)).toBe(expected)
  })

  it('numbers are in base units', () => {
    const [family] = measuredFamilies(
      [{ component: 'main', measure: gauge('a', 'days', 'x', () => 2) }],
      kinds,
    ).families
    expect(family!.samples[0]!.read()).toBe(172_800)
    expect(family!.unit).toBe('seconds')
  })

  it('two components of a kind share a family; a measure that does not fit is left out and named', () => {
    const more = new Map([...kinds, ['second', { kind: 'Listener' }]])
    const measures = [
      { component: 'main', measure: gauge('open', 'doors', 'x', read) },
      { component: 'second', measure: gauge('open', 'doors', 'y', read) },
      { component: 'second', measure: counter('open', 'doors', 'z', read) },
    ]
    const { families, conflicts } = measuredFamilies(measures, more)
    expect(families).toHaveLength(1)
    expect(families[0]!.samples.map(({ labels }) => labels)).toEqual([
      [['component', 'main']],
      [['component', 'second']],
    ])
    expect(conflicts).toEqual(['second.open'])
  })
})

describe('the texts', () => {
  it.each(['prometheus', 'openmetrics'] as const)('escape what is in help and labels (%s)', (format) => {
    const strange = 'a "quoted" \\ and\na second line'
    const measure = { ...gauge('a', 'things', strange, () => 1), labels: { label: strange } }
    const text = start({}, { x: [measure] }).page.text(format)
    const family = parseMetrics(text, format).get('mqtt_jig_component_a_things')!
    expect(family.samples[0]!.labels).toEqual({ component: 'x', label: strange })
    expect(family.help).toBe(
      format === 'prometheus' ? 'a "quoted" \\\\ and\\na second line' : 'a \\"quoted\\" \\\\ and\\na second line',
    )
  })

  it('have numbers of any size, and leave out what cannot be read', () => {
    const numbers = [0, -1.5, 1e21, 1e-9, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
    const failing = () => {
      throw new Error('broken')
    }
    const measures = numbers.map((number, index) => gauge(`n${index}`, 'things', 'x', () => number))
    const { page, log } = start(
      {},
      { x: [...measures, gauge('bad', 'times', 'x', failing), gauge('worse', 'times', 'x', failing)] },
    )
    for (let round = 0; round < 2; round += 1) page.text()
    const text = page.text()
    const lines = numbers.map(
      (_, index) => text.match(new RegExp(`^mqtt_jig_component_n${index}_things\\S* (.*)$`, 'm'))![1],
    )
    expect(lines).toEqual(['0', '-1.5', '1e+21', '1e-9', '+Inf', '-Inf'])
    expect(text).not.toMatch(/^mqtt_jig_component_bad\{/m)
    expect(page.counters.failedReads).toBe(6)
    expect(log.at('error')).toHaveLength(1)
  })

  it('are composed once, and again when components have started since', () => {
    const { page, list } = start({}, { x: [gauge('a', 'things', 'x', () => 1)] })
    expect(page.text()).not.toContain('component_b_things')
    list.push({ component: 'y', measure: gauge('b', 'things', 'x', () => 1) })
    expect(page.text()).toContain('mqtt_jig_component_b_things{component="y"} 1')
  })

  it('a conflict is logged once', () => {
    const { page, log } = start(
      {},
      { x: [gauge('a', 'things', 'x', () => 1)], y: [counter('a', 'things', 'x', () => 1)] },
    )
    page.text('prometheus')
    page.text('openmetrics')
    expect(page.conflicts).toBe(1)
    expect(log.at('warn').map(({ measures }) => measures)).toEqual([['y.a']])
  })
})

describe('requests', () => {
  it('are answered in the format that the client wants, and are counted', async () => {
    const { page, http } = start()
    const type = async (accept?: string) => {
      const response = await http.ask('/metrics', accept === undefined ? {} : { headers: { accept } })
      return response.headers.get('content-type')
    }
    expect(await type()).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(await type('application/openmetrics-text')).toBe(
      'application/openmetrics-text; version=1.0.0; charset=utf-8',
    )
    expect(page.counters.scrapes).toBe(2)
  })

  it('many of them cost one text', async () => {
    let reads = 0
    const { page, http } = start({}, { x: [gauge('a', 'things', 'x', () => ++reads)] })
    const texts = await Promise.all(Array.from({ length: 50 }, async () => (await http.ask('/metrics')).text()))
    expect(new Set(texts).size).toBe(1)
    expect(reads).toBe(1)
    expect(page.counters.fromCache).toBe(49)
  })

  it('need the token, if there is one', async () => {
    const { page, http } = start({ token })
    const status = async (authorization?: string) =>
      (await http.ask('/metrics', authorization === undefined ? {} : { headers: { authorization } })).status
    expect(await status()).toBe(401)
    for (const wrong of [`Bearer ${token}x`, `Bearer ${token.slice(1)}`, 'Bearer ', `Basic ${token}`, token]) {
      expect(await status(wrong)).toBe(401)
    }
    expect(await status(`Bearer ${token}`)).toBe(200)
    expect(await status(`bearer ${token}`)).toBe(200)
    expect([page.counters.denied, page.counters.scrapes]).toEqual([6, 2])
  })

  it('other methods and paths are refused', async () => {
    const { http } = start()
    expect((await http.ask('/metrics', { method: 'POST' })).status).toBe(405)
    expect((await http.ask('/metrics/more')).status).toBe(404)
    const head = await http.ask('/metrics', { method: 'HEAD' })
    expect([head.status, await head.text()]).toEqual([200, ''])
  })

  it('a server that other machines reach needs a token, or the word that none is needed', () => {
    const http = new FakeHttpServer()
    http.isLocal = false
    expect(() => start({}, {}, http)).toThrow('which other machines can reach. Set a token')
    expect(http.paths).toEqual([])
    start({ token }, {}, http).page.stop()
    start({ allowAnonymous: true }, {}, http)
    expect(http.paths).toEqual(['/metrics'])
  })

  it('the path is free again when it stops, and no timer is left, after a start that failed either', () => {
    vi.useFakeTimers()
    const { page, http } = start({ path: '/m', names: 'mosquitto' })
    const timers = vi.getTimerCount()
    expect(() => start({ path: '/m', names: 'mosquitto' }, {}, http)).toThrow('/m is served already.')
    expect([timers, vi.getTimerCount()]).toEqual([2, 2])
    page.stop()
    expect([http.paths, vi.getTimerCount()]).toEqual([[], 0])
  })
})

it.each([
  [null, 'prometheus'],
  ['*/*', 'prometheus'],
  ['text/plain;version=0.0.4', 'prometheus'],
  ['application/openmetrics-text; version=1.0.0; charset=utf-8', 'openmetrics'],
  // Prometheus 2.42.
  [
    'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
    'openmetrics',
  ],
  ['application/openmetrics-text;version=1.0.0;q=0.3,text/plain;q=0.5', 'prometheus'],
  ['application/openmetrics-text;version=0.0.1', 'prometheus'],
  ['application/openmetrics-text;q=0', 'prometheus'],
  ['application/openmetrics-text;q=x,;;,=', 'prometheus'],
])('a client that accepts %s gets %s', (accept, format) => {
  expect(acceptedFormat(accept)).toBe(format)
})

it('the event loop delay is a histogram that only grows', () => {
  let nowMs = 0
  const delay = new EventLoopDelay(() => nowMs)
  for (const lateMs of [0, 0.5, 3, 3, 30, 700, 9_000]) {
    nowMs += 20 + lateMs
    delay.look()
  }
  delay.stop()
  const values = delay.family().samples.map(({ suffix, labels, read }) => [labels[0]?.[1] ?? suffix, read()])
  expect(Object.fromEntries(values)).toMatchObject({
    ...{ '0.001': 2, '0.0025': 2, '0.005': 4, '0.05': 5, '0.5': 5, '1': 6, '2.5': 6, '+Inf': 7, _count: 7 },
    _sum: expect.closeTo(9.7365),
  })
})

it('the names of mosquitto are looked at every 10 seconds, for the averages and the largest number of sessions', () => {
  vi.useFakeTimers()
  let [packets, connected] = [0, 7]
  const measures = {
    handler: [counter('received', 'packets', 'x', () => packets)],
    broker: [gauge('connected', 'clients', 'x', () => connected), gauge('held', 'sessions', 'x', () => connected + 1)],
  }
  const { page } = start({ names: 'mosquitto' }, measures)
  vi.advanceTimersByTime(10_000)
  ;[packets, connected] = [100, 3]
  vi.advanceTimersByTime(10_000)
  const families = parseMetrics(page.text('openmetrics'), 'prometheus')
  const value = (name: string) => families.get(name)!.samples[0]!.value
  expect([value('broker_clients_connected'), value('broker_clients_maximum')]).toEqual([3, 8])
  expect(value('broker_load_messages_received_1min')).toBeCloseTo(600 * (1 - Math.exp(-1 / 6)))
  expect([value('broker_messages_received'), value('broker_messages_sent')]).toEqual([100, 0])
})

it('the names of mosquitto have the values of its topics', () => {
  const labelled = (name: string, unit: string, value: number, labels: Record<string, string>): Measure =>
    counter(name, unit, 'x', () => value, labels)
  const measures = {
    handler: [
      labelled('received', 'packets', 5, { type: 'CONNECT' }),
      labelled('received', 'packets', 9, { type: 'PUBLISH' }),
      labelled('received_payload', 'bytes', 70, { qos: '0' }),
      labelled('received_payload', 'bytes', 3, { qos: '1' }),
    ],
    router: [gauge('subscriptions', 'subscriptions', 'x', () => 10), gauge('shared', 'subscriptions', 'x', () => 4)],
  }
  const { page } = start({ names: 'mosquitto' }, measures)
  const families = parseMetrics(page.text(), 'prometheus')
  const value = (name: string) => families.get(name)!.samples[0]!.value
  expect([value('broker_publish_bytes_received'), value('broker_publish_bytes_sent')]).toEqual([73, 0])
  expect([value('broker_subscriptions_count'), value('broker_shared_subscriptions_count')]).toEqual([6, 4])
  expect(value('broker_messages_received')).toBe(14)
})

it('a measure that throws ends no timer: the averages go on without it', () => {
  vi.useFakeTimers()
  let [packets, isBroken] = [0, false]
  const broken = () => {
    if (isBroken) throw new Error('gone')
    return 0
  }
  const measures = {
    handler: [counter('sent', 'packets', 'x', broken), counter('received', 'packets', 'x', () => packets)],
    broker: [gauge('held', 'sessions', 'x', broken)],
  }
  const { page, log } = start({ names: 'mosquitto' }, measures)
  vi.advanceTimersByTime(10_000)
  ;[packets, isBroken] = [100, true]
  expect(() => vi.advanceTimersByTime(10_000)).not.toThrow()
  const families = parseMetrics(page.text(), 'prometheus')
  expect(families.get('broker_load_messages_received_1min')!.samples[0]!.value).toBeGreaterThan(0)
  expect(log.at('error')).toHaveLength(1)
})

it.each([
  [{ topicFilters: [{ name: 'a', filter: 'a/#/b' }] }, 'not alone in the last level'],
  [{ topicFilters: [{ name: 'a', filter: '$share/x/b' }] }, 'A Shared Subscription cannot be counted'],
  [{ topicFilters: ['b', 'c'].map((filter) => ({ name: 'a', filter })) }, 'Two topic filters have the same name'],
  [{ path: '/' }, 'A path begins with /'],
  [{ path: 'metrics/' }, 'A path begins with /'],
  [{ token: 'short' }, '16'],
])('refuses %o', (config, message) => {
  expect(metricsConfig.safeParse(config).error?.message).toContain(message)
})

it('topic filters without a router are a problem of the config', () => {
  const config = metricsConfig.parse({ topicFilters: [{ name: 'a', filter: 'a' }] })
  const providers = { http: { name: 'http', provides: component.needs.http }, router: undefined }
  const logger = { name: 'logger', provides: component.needs.logger }
  expect(component.check!(config, { ...providers, logger })).toMatchObject([{ path: ['config', 'topicFilters'] }])
  expect(component.check!(metricsConfig.parse({}), { ...providers, logger })).toEqual([])
})
