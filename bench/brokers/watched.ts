/** Our broker while an operator looks at it: metrics are scraped, the dashboard is open, and a trace runs. */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { removeTemporaryDirectory, temporaryDirectory } from '../temporary.ts'
import type { Broker, RunningBroker, StartOptions } from './broker.ts'
import { onFreePort } from './free-port.ts'
import { mqttJig } from './mqtt-jig.ts'

const token = 'a-token-of-the-benchmark'
/** Prometheus asks every 15 seconds by default. */
const scrapeIntervalMs = 1_000

/** The settings of the broker that `watchedBroker` is compared with. */
export const unwatchedSettings = ['sysTopics.enabled=false']

/**
 * Our broker with metrics, `$SYS`, an API with an open event stream, as the dashboard has it, and a trace of one client.
 * @param traced the Client Identifier of the trace.
 */
export const watchedBroker = (root: string, settings: readonly string[], traced: string): Broker => {
  const broker = mqttJig('mqtt-jig (watched)', root, settings)
  return { ...broker, start: (options) => onFreePort((port) => startWatched(broker, port, options, traced)) }
}

const startWatched = async (
  broker: Broker,
  httpPort: number,
  options: StartOptions,
  traced: string,
): Promise<RunningBroker> => {
  const directory = temporaryDirectory()
  const tokenFile = join(directory, 'token')
  writeFileSync(tokenFile, token, { mode: 0o600 })
  const enabled = ['httpServer', 'metrics', 'admin', 'dashboard', 'tracer', 'trace'].map(
    (name) => `${name}.enabled=true`,
  )
  const own = [`httpServer.port=${httpPort}`, `admin.tokenFile=${tokenFile}`]
  const running = await broker.start({ ...options, settings: [...options.settings, ...enabled, ...own] })
  const stop = async (): Promise<void> => {
    removeTemporaryDirectory(directory)
    await running.stop()
  }
  try {
    const end = await look(`http://127.0.0.1:${httpPort}`, traced)
    return {
      ...running,
      stop: () => {
        end()
        return stop()
      },
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** @returns ends it. @throws Error when the broker does not answer as it should. */
const look = async (url: string, traced: string): Promise<() => void> => {
  const ending = new AbortController()
  const ask = async (path: string, init: RequestInit = {}): Promise<Response> => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const response = await fetch(`${url}${path}`, { ...init, headers, signal: ending.signal })
    if (!response.ok) throw new Error(`${path} was answered with ${response.status}: ${await response.text()}`)
    return response
  }
  // The API starts after the listener.
  for (let attempt = 0; attempt < 200; attempt++) {
    if ((await ask('/readyz').then(drain, () => 'not ready')) === undefined) break
    await setTimeout(50)
  }
  await ask('/api/v1/traces', { method: 'POST', body: JSON.stringify({ clientId: traced, seconds: 3_600 }) })
  const events = await ask('/api/v1/events')
  void drain(events)
  const scrapes = setInterval(() => {
    ask('/metrics').then(drain, () => {})
  }, scrapeIntervalMs)
  return () => {
    clearInterval(scrapes)
    ending.abort()
  }
}

/** Reads until the end, also until an end by a failure. */
const drain = async ({ body }: Response): Promise<void> => {
  try {
    for await (const _ of body ?? []);
  } catch {
    // The broker has stopped, or the bench has ended the request.
  }
}
