import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { admin } from '../../components/admin/index.ts'
import { httpServer } from '../../components/http-server/index.ts'
import type { HttpServer } from '../../src/kinds/http-server.ts'
import type { SystemReloader } from '../../src/system/system-reloader.ts'
import { quietSystem, startBroker } from './start-broker.ts'

/** An answer of the API, of any form: a test says what it should be. */
export interface Answer {
  readonly status: number
  readonly body: AnswerBody
}

/** The parts of answers that tests read by name. */
export interface AnswerBody {
  readonly items?: unknown
  readonly next?: string | null
  readonly total?: number
  readonly counters?: unknown
  readonly error?: string
}

export interface AdminBrokerOptions {
  /** Config of the admin API. */
  readonly admin?: object
  readonly http?: object
  /** Further or other entries. */
  readonly entries?: object
  /** Dependencies of the admin API besides the usual ones. */
  readonly dependencies?: object
  /** Reads the config again; without it the API has no plan. */
  readonly reloader?: SystemReloader
}

/** A broker with its admin API on a free port, with a log in a file. */
export class AdminBroker {
  readonly folder: string
  readonly token: string
  readonly broker: Awaited<ReturnType<typeof startBroker>>
  readonly url: string

  private constructor(folder: string, broker: Awaited<ReturnType<typeof startBroker>>) {
    this.folder = folder
    this.broker = broker
    this.token = readFileSync(join(folder, 'token'), 'utf8').trim()
    const { httpServer: http } = broker.map as unknown as { readonly httpServer: HttpServer }
    this.url = `http://${http.address}`
  }

  static async start(options: AdminBrokerOptions = {}): Promise<AdminBroker> {
    const { admin: config, http, entries, dependencies, reloader } = options
    const folder = mkdtempSync(join(tmpdir(), 'admin-'))
    const system = {
      ...quietSystem,
      logger: { ...quietSystem.logger, config: { level: 'info', format: 'json', destination: join(folder, 'log') } },
      httpServer: {
        component: httpServer,
        config: { port: 0, drainMs: 0, ...http },
        dependencies: { logger: 'logger' },
      },
      admin: {
        component: admin,
        config: { tokenFile: join(folder, 'token'), ...config },
        dependencies: { http: 'httpServer', broker: 'broker', listener: 'server', logger: 'logger', ...dependencies },
      },
      ...entries,
    }
    const broker = await startBroker(system, reloader === undefined ? {} : { reloader })
    return new AdminBroker(folder, broker)
  }

  /** A request with the token. */
  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(`${this.url}/api/v1${path}`, {
      ...init,
      headers: { Authorization: `Bearer ${this.token}`, ...init.headers },
    })
  }

  /** @param body sent as JSON. */
  async call(method: string, path: string, body?: unknown): Promise<Answer> {
    const json = { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }
    const response = await this.fetch(path, { method, ...(body !== undefined && json) })
    return { status: response.status, body: (await response.json()) as AnswerBody }
  }

  get(path: string): Promise<Answer> {
    return this.call('GET', path)
  }

  async stop(): Promise<void> {
    await this.broker.stop()
    rmSync(this.folder, { recursive: true })
  }
}
