import { Change, expectEqual, expectSame, liveConfig, replacing, setting } from '../../src/collections/change.ts'
import { packageVersion } from '../../src/files/package-version.ts'
import type { HttpServer } from '../../src/kinds/http-server.ts'
import type { Logger } from '../../src/kinds/logger.ts'
import type { Metrics, MetricsFormat } from '../../src/kinds/metrics.ts'
import { ReplaceableLogger } from '../../src/kinds/replaceable-logger.ts'
import type { Router } from '../../src/kinds/router.ts'
import { wholeBody } from '../../src/network/whole-body.ts'
import type { ComponentMeasure, LifecycleContext } from '../../src/system/define-system.ts'
import { acceptedFormat, CONTENT_TYPES } from './accepted-format.ts'
import { BearerToken } from './bearer-token.ts'
import type { MetricsConfig } from './config.ts'
import { EventLoopDelay } from './event-loop-delay.ts'
import { Exposition } from './exposition.ts'
import type { Family } from './family.ts'
import { type ComponentKind, measuredFamilies } from './measured-families.ts'
import { areSame, MosquittoFamilies } from './mosquitto-families.ts'
import { buildFamilies, ProcessState, processFamilies } from './process-families.ts'
import { SystemState } from './system-state.ts'
import { TopicCounter } from './topic-counter.ts'

export interface MetricsParts {
  readonly http: HttpServer
  readonly router: Router | undefined
  readonly logger: Logger
}

/** Serves the numbers of all components. They are read when a request asks for them. */
export class MetricsPage implements Metrics {
  readonly path: string
  /** Events since the start, for operators. */
  readonly counters = { scrapes: 0, fromCache: 0, denied: 0, failedReads: 0 }
  readonly topics: readonly TopicCounter[]
  /** Measures that are left out since they do not fit those of other components. */
  conflicts = 0
  /** The work of the last text that was written: its lines, and how long it took. */
  lastLines = 0
  lastSeconds = 0

  readonly #config: MetricsConfig
  readonly #context: LifecycleContext
  readonly #log: ReplaceableLogger
  readonly #current: { token: BearerToken | undefined }
  readonly #parts: MetricsParts
  readonly #process = new ProcessState()
  readonly #system: SystemState
  readonly #delay: EventLoopDelay
  readonly #mosquitto: MosquittoFamilies | undefined
  readonly #version = packageVersion()
  readonly #remove: () => void

  /** What the texts were composed for. */
  #measures: readonly ComponentMeasure[] | undefined
  #expositions: Partial<Record<MetricsFormat, Exposition>> = {}
  #cached: Partial<Record<MetricsFormat, { readonly text: string; readonly untilMs: number }>> = {}
  #loggedFailure = false

  /** @throws Error if the path is served already, or if other machines could read the metrics and nothing says that they may. */
  constructor(config: MetricsConfig, parts: MetricsParts, context: LifecycleContext) {
    const { http, router, logger } = parts
    const { path, names, token, topicFilters } = config
    refuseOpenServer(config, http)
    this.path = path
    this.#config = liveConfig(config)
    this.#context = context
    this.#log = new ReplaceableLogger(logger)
    this.#parts = parts
    this.#current = { token: tokenOf(token) }
    this.#system = new SystemState(context.system)
    // The first that may fail: nothing is there yet that would have to be released.
    this.#remove = http.route(path, (request) => this.#answer(request))
    this.#delay = new EventLoopDelay()
    this.topics =
      router === undefined
        ? []
        : topicFilters.map((each) => new TopicCounter(context.name, each.name, each.filter, router))
    this.#mosquitto = names === 'mosquitto' ? this.#mosquittoFamilies() : undefined
  }

  /**
   * Prepares another config.
   * @throws an Error if its path, its names or its filters are others, as for a start with this config.
   */
  adjust(config: MetricsConfig, parts: MetricsParts): Change {
    expectEqual(this.#config, config, 'path', 'names', 'topicFilters')
    expectSame(this.#parts, parts, 'http', 'router')
    refuseOpenServer(config, parts.http)
    return new Change([
      replacing(this.#config, config),
      setting(this.#current, { token: tokenOf(config.token) }),
      () => this.#log.replace(parts.logger),
    ])
  }

  text(wanted: MetricsFormat = 'prometheus'): string {
    const format = this.#possible(wanted)
    const startMs = performance.now()
    this.#process.read()
    this.#system.read()
    const text = this.#exposition(format).text((error) => this.#failed(error))
    this.lastSeconds = (performance.now() - startMs) / 1_000
    return text
  }

  stop(): void {
    this.#remove()
    for (const topic of this.topics) topic.stop()
    this.#delay.stop()
    this.#mosquitto?.stop()
  }

  #answer(request: Request): Response {
    const { pathname } = new URL(request.url)
    if (pathname !== this.path) return plain(404, 'There is nothing here.\n')
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return plain(405, 'Only GET is possible.\n', { allow: 'GET, HEAD' })
    }
    if (this.#current.token?.isIn(request.headers.get('authorization')) === false) {
      this.counters.denied += 1
      return plain(401, 'A token is needed: Authorization: Bearer TOKEN\n', { 'www-authenticate': 'Bearer' })
    }
    this.counters.scrapes += 1
    const format = this.#possible(acceptedFormat(request.headers.get('accept')))
    const headers = { 'content-type': CONTENT_TYPES[format], 'cache-control': 'no-store', vary: 'accept' }
    return new Response(request.method === 'HEAD' ? null : wholeBody(this.#cachedText(format)), { headers })
  }

  /** OpenMetrics does not allow the names of mosquitto. */
  #possible(wanted: MetricsFormat): MetricsFormat {
    return this.#mosquitto === undefined ? wanted : 'prometheus'
  }

  #cachedText(format: MetricsFormat): string {
    const nowMs = performance.now()
    const cached = this.#cached[format]
    if (cached !== undefined && nowMs < cached.untilMs) {
      this.counters.fromCache += 1
      return cached.text
    }
    const text = this.text(format)
    this.#cached[format] = { text, untilMs: nowMs + this.#config.cacheMs }
    return text
  }

  /** The texts, composed again if components have started since. */
  #exposition(format: MetricsFormat): Exposition {
    const measures = this.#context.system.measures()
    if (this.#measures === undefined || !areSame(measures, this.#measures)) {
      this.#measures = measures
      this.#expositions = {}
    }
    const exposition = this.#expositions[format] ?? new Exposition(this.#families(measures), format)
    this.#expositions[format] = exposition
    this.lastLines = exposition.lines
    return exposition
  }

  #families(measures: readonly ComponentMeasure[]): readonly Family[] {
    return [
      ...(this.#mosquitto?.families() ?? this.#measured(measures)),
      ...processFamilies(this.#process),
      this.#delay.family(),
      ...buildFamilies(this.#version),
    ]
  }

  #measured(measures: readonly ComponentMeasure[]): readonly Family[] {
    const { families, conflicts } = measuredFamilies(measures, this.#kinds())
    if (conflicts.length > this.conflicts) {
      this.#log.warn(
        { measures: conflicts },
        `Measures of components are left out of the metrics, since they have the names of others: ${conflicts.join(', ')}`,
      )
    }
    this.conflicts = conflicts.length
    return [...families, ...this.#system.families()]
  }

  #kinds(): ReadonlyMap<string, ComponentKind> {
    const { nodes } = this.#context.system.graph()
    return new Map(nodes.map(({ name, kind = 'component', variant }) => [name, { kind, variant }]))
  }

  #mosquittoFamilies(): MosquittoFamilies {
    const { system } = this.#context
    return new MosquittoFamilies({
      measures: () => system.measures(),
      kinds: () => this.#kinds(),
      process: this.#process,
      failed: (error) => this.#failed(error),
      uptimeSeconds: () =>
        system.runningSinceMs === undefined ? 0 : Math.floor((Date.now() - system.runningSinceMs) / 1_000),
    })
  }

  #failed(error: unknown): void {
    this.counters.failedReads += 1
    if (this.#loggedFailure) return
    this.#loggedFailure = true
    this.#log.error({ err: error }, 'A measure could not be read and is left out of the metrics')
  }
}

/** Numbers tell much about those who use a broker. */
const refuseOpenServer = ({ token, allowAnonymous }: MetricsConfig, http: HttpServer): void => {
  if (token !== undefined || allowAnonymous || http.isLocal) return
  throw new Error(
    `The HTTP server listens on ${http.address}, which other machines can reach. Set a token for the metrics, or allowAnonymous: true.`,
  )
}

const tokenOf = (token: string | undefined): BearerToken | undefined =>
  token === undefined ? undefined : new BearerToken(token)

const plain = (status: number, text: string, headers: Readonly<Record<string, string>> = {}): Response =>
  new Response(wholeBody(text), { status, headers: { 'content-type': 'text/plain; charset=utf-8', ...headers } })
