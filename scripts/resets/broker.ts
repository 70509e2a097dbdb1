/** The broker process of a run: the dev loop of a copy of the checkout, which resets when it is told to. */

import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { encodeConnect, encodeSubscribe } from '../../bench/generator/packets.ts'
import { createDev, type Dev, type StartReport } from '../../src/system/dev.ts'
import { SystemError } from '../../src/system/system-error.ts'
import { createLoader } from '../go/loader.ts'
import { arm, hasFired } from './fault-points.ts'
import { FormerInstances } from './former-instances.ts'
import type { MemoryCrowd } from './memory-crowd.ts'
import type { Applied, BrokerRequest, Failed, Look, ResetResult } from './protocol.ts'

/** Connections that a crowd opens in one turn of the event loop. */
const crowdPerTurn = 200

const former = new FormerInstances()
const hold = monitorEventLoopDelay({ resolution: 1 })

/** @param args the path of the config. Resolves when it was told to stop. */
export const main = async ([configFile = '']: readonly string[]): Promise<number> => {
  const { loader } = await createLoader(configFile)
  const dev = createDev({ load: loader.load })
  await dev.go()
  former.note(instancesOf(dev))
  hold.enable()
  process.send?.({ ports: portsOf(dev) })
  await new Promise<void>((resolve) => {
    process.on('message', async (request: BrokerRequest) => {
      if (request.type === 'stop') resolve()
      else process.send?.(await answer(dev, request))
    })
    process.once('disconnect', resolve)
  })
  await dev.close()
  await loader.close()
  process.disconnect?.()
  return 0
}

const answer = async (dev: Dev, request: Exclude<BrokerRequest, { type: 'stop' }>): Promise<object> => {
  if (request.type === 'reset') return reset(dev, request)
  if (request.type === 'look') return look(dev, request.collect)
  const crowd = instancesOf(dev)['crowd'] as MemoryCrowd
  for (let index = 0; index < request.sessions; index += 1) {
    const name = `resets-crowd-${index}`
    const filters = [`resets/${index}/value`, `resets/${index}/+/state`]
    crowd.connect(Buffer.concat([encodeConnect(name, 4), encodeSubscribe(1, filters, 1, 4)]))
    if (index % crowdPerTurn === 0) await nextTurn()
  }
  return look(dev, false)
}

const now = (): number => performance.timeOrigin + performance.now()

const reset = async (dev: Dev, { fault }: Extract<BrokerRequest, { type: 'reset' }>): Promise<ResetResult> => {
  arm(fault)
  const holdBeforeMs = hold.max / 1e6
  hold.reset()
  const fromMs = now()
  let [applied, failed]: [Applied | undefined, Failed | undefined] = [undefined, undefined]
  try {
    applied = describeReport(await dev.reset())
  } catch (error) {
    failed = describeFailure(error)
  }
  const fired = hasFired()
  arm(undefined)
  former.note(instancesOf(dev))
  const toMs = now()
  // The hold is noted by a timer, which comes after it.
  await nextTurn()
  const holdMs = hold.max / 1e6
  hold.reset()
  return { fromMs, toMs, holdMs, holdBeforeMs, fired, applied, failed }
}

const describeReport = ({ loadMs, reset, stopErrors }: StartReport): Applied => {
  const sum = (count: 'closed' | 'repiped') =>
    (reset?.plan.connections ?? []).reduce((total, connections) => total + connections[count], 0)
  return {
    verdicts: Object.fromEntries((reset?.parts ?? []).map(({ name, verdict }) => [name, verdict])),
    restarts: (reset?.plan.parts ?? [])
      .filter(({ verdict }) => verdict === 'restart')
      .map(({ name, reasons }) => `${name} (${reasons.join(', ')})`),
    loadMs,
    prepareMs: reset?.prepareMs ?? 0,
    cutOverMs: reset?.cutOverMs ?? 0,
    closed: sum('closed'),
    repiped: sum('repiped'),
    errors: stopErrors.map(String),
  }
}

const describeFailure = (error: unknown): Failed => {
  const { code = 'UNKNOWN', message } = error as { code?: string; message: string }
  const undoErrors = error instanceof SystemError ? [...(error.errors ?? [])].map(String) : []
  return { code, message, undoErrors }
}

const look = async (dev: Dev, collect: boolean): Promise<Look> => {
  if (collect) {
    for (let round = 0; round < 5; round += 1) {
      await nextTurn()
      globalThis.gc?.()
    }
  }
  const { server, broker } = instancesOf(dev) as {
    server?: { readonly connections?: number }
    broker?: { readonly sessions?: () => Iterable<unknown> }
  }
  return {
    connections: server?.connections ?? -1,
    sessions: [...(broker?.sessions?.() ?? [])].length,
    marks: marks(),
    heapBytes: process.memoryUsage().heapUsed,
    handles: count(process.getActiveResourcesInfo()),
    former: collect ? former.alive() : {},
  }
}

/** What edited code has noted: see `editText`. */
const marks = (): Record<string, number> => {
  const symbols = Object.getOwnPropertySymbols(globalThis).filter((each) =>
    each.description?.startsWith('mqtt-jig.resets.'),
  )
  const place = globalThis as unknown as Record<symbol, unknown>
  return Object.fromEntries(
    symbols.filter((each) => typeof place[each] === 'number').map((each) => [each.description!, place[each] as number]),
  )
}

const count = (names: readonly string[]): Record<string, number> => {
  const counts: Record<string, number> = {}
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1
  return counts
}

/** Of the components that run. The map itself throws for a name that it does not have. */
const instancesOf = ({ state }: Dev): Readonly<Record<string, unknown>> =>
  state.system?.state === 'running' ? { ...(state.system.map as Readonly<Record<string, unknown>>) } : {}

const portsOf = (dev: Dev): Record<string, number | undefined> => {
  const { server, tls, webSocket } = instancesOf(dev) as Record<string, { readonly port?: number } | undefined>
  return { tcp: server?.port, tls: tls?.port, ws: webSocket?.port }
}
