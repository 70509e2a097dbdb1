/** The metrics of a whole broker, as a monitoring system reads them. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { httpServer } from '../../components/http-server/index.ts'
import { metrics } from '../../components/metrics/index.ts'
import { lmdbStore } from '../../components/store-lmdb/index.ts'
import { tls } from '../../components/tls/index.ts'
import { defineSystem, type SystemMap } from '../../src/system/define-system.ts'
import { createSystem } from '../../src/system/lifecycle.ts'
import { TestFiles, testCertificates } from '../helpers/certificates.ts'
import { eventually } from '../helpers/eventually.ts'
import { RealClient } from '../helpers/mqtt-js.ts'
import { lintMetrics, type ParsedFamily, parseMetrics } from '../helpers/prometheus-text.ts'
import { RawClient } from '../helpers/raw-client.ts'
import { quietSystem } from '../helpers/start-broker.ts'

const systemConfig = (path: string, pair: { cert: string; key: string }) =>
  defineSystem({
    ...quietSystem,
    store: { component: lmdbStore, config: { path }, dependencies: { logger: 'logger' } },
    tls: { component: tls, config: { ...pair, host: '127.0.0.1', port: 0 }, dependencies: { logger: 'logger' } },
    http: { component: httpServer, config: { port: 0 }, dependencies: { logger: 'logger' } },
    metrics: {
      component: metrics,
      config: { cacheMs: 0, topicFilters: [{ name: 'kitchen "1"', filter: 'kitchen/#' }] },
      dependencies: { http: 'http', router: 'router', logger: 'logger' },
    },
    mosquitto: {
      component: metrics,
      config: { cacheMs: 0, path: '/mosquitto', names: 'mosquitto' },
      dependencies: { http: 'http', logger: 'logger' },
    },
  })

const directory = mkdtempSync(join(tmpdir(), 'metrics-'))
const files = new TestFiles()
let system: ReturnType<typeof createSystem>
let map: SystemMap<ReturnType<typeof systemConfig>>
beforeAll(async () => {
  const { server } = await testCertificates()
  const config = systemConfig(directory, files.pair('server', server))
  system = createSystem(config)
  await system.start()
  map = system.map as typeof map
})
afterAll(async () => {
  await system.stop()
  files.remove()
  rmSync(directory, { recursive: true })
})

const scrape = async (format: 'prometheus' | 'openmetrics' = 'prometheus', path = '/metrics') => {
  const accept = format === 'openmetrics' ? 'application/openmetrics-text; version=1.0.0' : 'text/plain; version=0.0.4'
  const response = await fetch(`http://${map.http.address}${path}`, { headers: { accept } })
  return { type: response.headers.get('content-type'), families: parseMetrics(await response.text(), format) }
}

/** The values of a family, by the values of their labels without `component`. */
const valuesOf = (families: ReadonlyMap<string, ParsedFamily>, name: string): Record<string, number> =>
  Object.fromEntries(
    families
      .get(name)!
      .samples.map(({ labels: { component: _, ...labels }, value }) => [Object.values(labels).join(' '), value]),
  )

it('are legal in both formats, and follow the conventions for names', async () => {
  const text = await scrape('prometheus')
  expect(text.type).toBe('text/plain; version=0.0.4; charset=utf-8')
  expect(lintMetrics(text.families, 'prometheus')).toEqual([])
  const open = await scrape('openmetrics')
  expect(open.type).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8')
  expect(lintMetrics(open.families, 'openmetrics')).toEqual([])
  const names = (families: ReadonlyMap<string, ParsedFamily>) =>
    [...families.values()].flatMap(({ samples }) => samples.map(({ name }) => name)).sort()
  expect(names(open.families)).toEqual(names(text.families))
})

it('names no measure twice: none is left out', async () => {
  const { families } = await scrape()
  expect(valuesOf(families, 'mqtt_jig_metrics_left_out_measures')).toEqual({ '': 0 })
  const numbers = [...families.values()].flatMap(({ samples }) => samples).filter(({ labels }) => 'component' in labels)
  const components = [...families.get('mqtt_jig_component_ready')!.samples]
  expect(numbers.length).toBe(system.measures().length + components.length)
})

it('count what clients do', async () => {
  const before = (await scrape()).families
  const five = await RealClient.connect(map.server.port, 5)
  const four = await RealClient.connect(map.server.port, 4)
  await four.mqtt.subscribeAsync('kitchen/+', { qos: 1 })
  await five.mqtt.publishAsync('kitchen/light', 'on', { qos: 1 })
  await five.mqtt.publishAsync('garden', 'dry', { qos: 2 })
  await four.next()
  // MQTT 3.1.1, without Client Identifier and without Clean Session.
  const refused = await RawClient.connect(map.server.port)
  await refused.send('10 0c 0004 4d515454 04 00 0000 0000').closed
  const { families } = await scrape()
  const grown = (name: string) => {
    const [old, now] = [valuesOf(before, name), valuesOf(families, name)]
    return Object.fromEntries(
      Object.entries(now)
        .filter(([key, value]) => value !== old[key])
        .map(([key, value]) => [key, value - old[key]!]),
    )
  }
  expect(valuesOf(families, 'mqtt_jig_handler_connected_clients')).toEqual({ '3.1': 0, '3.1.1': 1, '5.0': 1 })
  expect(valuesOf(families, 'mqtt_jig_server_listener_open_connections')).toMatchObject({ 'server tcp': 2 })
  expect(grown('mqtt_jig_handler_received_publish_packets_total')).toEqual({ 1: 1, 2: 1 })
  expect(grown('mqtt_jig_handler_sent_publish_packets_total')).toEqual({ 1: 1 })
  expect(grown('mqtt_jig_handler_accepted_clients_total')).toEqual({ '': 2 })
  expect(Object.values(grown('mqtt_jig_handler_refused_clients_total'))).toEqual([1])
  expect(valuesOf(families, 'mqtt_jig_metrics_topic_messages_total')).toEqual({ 'kitchen "1"': 1 })
  expect(valuesOf(families, 'mqtt_jig_metrics_topic_payload_bytes_total')).toEqual({ 'kitchen "1"': 2 })
  expect(valuesOf(families, 'mqtt_jig_server_received_bytes_total')['']).toBeGreaterThan(50)
  const [validity] = Object.values(valuesOf(families, 'mqtt_jig_transport_certificate_validity_seconds'))
  expect(validity! / 86_400).toBeCloseTo(365, 0)
  for (const { mqtt } of [five, four]) await mqtt.endAsync()
  await eventually(async () =>
    expect(valuesOf((await scrape()).families, 'mqtt_jig_handler_connected_clients')).toEqual({
      '3.1': 0,
      '3.1.1': 0,
      '5.0': 0,
    }),
  )
})

it('have no Client Identifier and no topic', async () => {
  const client = await RealClient.connect(map.server.port, 5, { clientId: 'secret-client' })
  await client.mqtt.publishAsync('secret-topic', 'x', { qos: 1, retain: true })
  const response = await fetch(`http://${map.http.address}/metrics`)
  expect(await response.text()).not.toMatch(/secret/)
  // The message is on the disk.
  const { families } = await scrape()
  for (const name of ['commits', 'committing_seconds']) {
    expect(valuesOf(families, `mqtt_jig_store_${name}_total`)['']).toBeGreaterThan(0)
  }
  await client.mqtt.endAsync()
})

it('a topic filter counts every message of a run', async () => {
  const before = valuesOf((await scrape()).families, 'mqtt_jig_metrics_topic_messages_total')['kitchen "1"']!
  const client = await RealClient.connect(map.server.port, 5)
  const { stream } = client.mqtt
  stream.cork()
  for (let index = 0; index < 20; index += 1) client.mqtt.publish('kitchen/light', 'x'.repeat(index), { qos: 0 })
  const last = client.mqtt.publishAsync('kitchen/end', '', { qos: 1 })
  stream.uncork()
  await last
  const { families } = await scrape()
  expect(valuesOf(families, 'mqtt_jig_metrics_topic_messages_total')['kitchen "1"']! - before).toBe(21)
  await client.mqtt.endAsync()
})

it('serve the names of the mosquitto exporter, in the text format alone', async () => {
  // Clients of the tests before may not be gone yet.
  await eventually(() => expect([...map.broker.clients()]).toEqual([]))
  const client = await RealClient.connect(map.server.port, 5)
  const response = await fetch(`http://${map.http.address}/mosquitto`, {
    headers: { accept: 'application/openmetrics-text' },
  })
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  const families = parseMetrics(await response.text(), 'prometheus')
  const value = (name: string) => families.get(name)!.samples[0]!.value
  const own = (await scrape()).families
  expect(value('broker_clients_connected')).toBe(1)
  expect(value('broker_clients_maximum')).toBeGreaterThanOrEqual(1)
  expect(value('broker_publish_messages_received')).toBeGreaterThan(0)
  expect(value('broker_bytes_received')).toBe(valuesOf(own, 'mqtt_jig_server_received_bytes_total')[''])
  expect(value('broker_load_messages_received_1min')).toBeGreaterThanOrEqual(0)
  expect(families.get('broker_bytes_sent')!.type).toBe('counter')
  expect([...families.keys()].filter((name) => name.startsWith('mqtt_jig_'))).toEqual(['mqtt_jig_build_info'])
  await client.mqtt.endAsync()
})

it('the Grafana board asks for metrics that the broker has', async () => {
  const board = readFileSync(resolve(import.meta.dirname, '../../docs/grafana/mqtt-jig.json'), 'utf8')
  const { panels } = JSON.parse(board) as { panels: { title: string; targets?: { expr: string }[] }[] }
  const { families } = await scrape()
  const names = new Set([...families.values()].flatMap(({ samples }) => samples.map(({ name }) => name)))
  const queries = panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => [title, expr] as const))
  expect(queries.length).toBeGreaterThan(15)
  const unknown = queries.flatMap(([title, expr]) =>
    [...expr.matchAll(/\b(?:mqtt_jig|process|nodejs)_\w+/g)]
      .map(([name]) => name)
      .filter((name) => !names.has(name))
      .map((name) => `${title}: ${name}`),
  )
  expect(unknown).toEqual([])
  const without = queries.filter(([, expr]) => !/\b(?:mqtt_jig|process|nodejs)_\w+/.test(expr))
  expect(without).toEqual([])
})
