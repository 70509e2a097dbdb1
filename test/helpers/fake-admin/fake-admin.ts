import type {
  CheckedPlan,
  ClientDetail,
  ClientSummary,
  Page,
  RetainedMessage,
  SessionDetail,
  SessionSummary,
  TopicLevel,
} from '../../../components/dashboard/app/contract.ts'
import type { HttpHandler } from '../../../src/kinds/http-server.ts'
import {
  fakeBans,
  fakeClients,
  fakeComponents,
  fakeEmptyPlan,
  fakeGraph,
  fakeListeners,
  fakeOverview,
  fakePlan,
  fakeRetained,
  fakeSessions,
  payloadOf,
} from './data.ts'

export const FAKE_TOKEN = 'a-token-for-the-tests'

type Answer = Response | object

/**
 * The admin API over made-up data, for the dashboard and its tests. It has no bounds. Parts can be made to fail: `failing` are paths that
 * answer 503.
 */
export class FakeAdmin {
  clients: ClientDetail[]
  /** Of clients that are not connected. */
  sessions = fakeSessions(120)
  /** Undefined: no component keeps users that can be changed. */
  users: string[] | undefined = ['ann', 'bob', ...Array.from({ length: 20 }, (_, index) => `plant-${index}`)]
  readonly retained = fakeRetained()
  components = fakeComponents()
  /** What a reload would do. */
  plan: CheckedPlan = fakePlan(this.components)
  /** What a plan and a reload are refused with: a status and a sentence. */
  readonly refusals = new Map<'plan' | 'reload', readonly [number, string]>()
  listeners = fakeListeners()
  bans = fakeBans()
  level = 'info'
  readonly failing = new Set<string>()
  /** Calls that change something: `DELETE /clients/sensor-00001`. */
  readonly changes: string[] = []
  /** How often the overview is sent, in milliseconds. */
  readonly intervalMs: number
  readonly #streams = new Set<(name: string, data: object) => void>()
  #second = 0

  constructor(clients: number, intervalMs = 1_000) {
    this.clients = fakeClients(clients)
    this.intervalMs = intervalMs
  }

  /** Serves `/api`. */
  readonly handle: HttpHandler = async (request) => {
    if (request.headers.get('authorization') !== `Bearer ${FAKE_TOKEN}`) return failure(401, 'The token is not known.')
    const { pathname, searchParams } = new URL(request.url)
    const [, , , name = '', ...rest] = pathname.split('/')
    const item = rest.map(decodeURIComponent)
    if (this.failing.has(name)) return failure(503, 'The store does not answer.')
    if (request.method !== 'GET') this.changes.push(`${request.method} ${pathname.slice('/api/v1'.length)}`)
    const body =
      request.method === 'POST' || request.method === 'PUT' ? ((await request.json()) as Record<string, unknown>) : {}
    const answer = this.#answer(request, name, item, searchParams, body)
    return answer instanceof Response ? answer : Response.json(answer)
  }

  /** Sends an event to all pages that are open. */
  emit(name: string, data: object): void {
    for (const send of this.#streams) send(name, data)
  }

  #answer(
    request: Request,
    name: string,
    item: readonly string[],
    query: URLSearchParams,
    body: Readonly<Record<string, unknown>>,
  ): Answer {
    const { method, signal } = request
    if (name === 'events') return this.#events(signal)
    if (name === 'overview') return this.#overview()
    if (name === 'clients') return item[0] === undefined ? this.#clients(query) : this.#client(method, item)
    if (name === 'sessions') return item[0] === undefined ? this.#sessions(query) : this.#session(method, item[0])
    if (name === 'publish') return this.#publish(body)
    if (name === 'users') return this.#users(method, item[0], query)
    if (name === 'components') return item[0] === undefined ? all(this.components) : this.#reset(item[0])
    if (name === 'graph') return fakeGraph(this.components)
    if (name === 'topics') return page(this.#topics(query.get('prefix') ?? ''), query)
    if (name === 'retained') return item[0] === undefined ? this.#messages(query) : this.#message(method, item[0])
    if (name === 'listeners') return all(this.listeners)
    if (name === 'bans') return this.#bans(method, item[0])
    if (name === 'log' && item[0] === 'level') return this.#level(method, body)
    if (name === 'log') return all(logLines())
    if (name === 'traces') return this.#traces(method)
    return failure(404, 'There is no such path.')
  }

  #overview() {
    return fakeOverview(this.#second, this.clients.length, this.retained.size)
  }

  #reset(what: string): Answer {
    const refused = what === 'plan' || what === 'reload' ? this.refusals.get(what) : [404, 'There is no such path.']
    if (refused !== undefined) return failure(...(refused as [number, string]))
    const { refusals, ...plan } = this.plan
    if (what === 'plan') return this.plan
    if (refusals.length > 0) return failure(409, refusals.join('; '))
    this.plan = fakeEmptyPlan(this.components)
    const items = [
      { name: 'tls', change: 'a new certificate, 89 days left' },
      { name: 'passwordFile', error: "passwords, line 3: 'ann' has no hash" },
      { name: 'topicRules' },
    ]
    return { plan, ms: 12.4, cutOverMs: 0.38, items }
  }

  #events(signal: AbortSignal): Response {
    const encoder = new TextEncoder()
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        const send = (name: string, data: object) =>
          controller.enqueue(encoder.encode(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`))
        const tick = () => {
          this.#second++
          send('overview', this.#overview())
          send('log', {
            number: 100 + this.#second,
            timeMs: Date.now(),
            level: 'info',
            component: 'mqttHandler',
            message: `Client connected: sensor-${this.#second}`,
          })
        }
        this.#streams.add(send)
        tick()
        const timer = setInterval(tick, this.intervalMs)
        signal.addEventListener('abort', () => {
          clearInterval(timer)
          this.#streams.delete(send)
          controller.error(signal.reason)
        })
      },
    })
    return new Response(body, { headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store' } })
  }

  #clients(query: URLSearchParams): Page<ClientSummary> {
    const [q, user, address] = ['q', 'user', 'address'].map((name) => query.get(name) ?? '') as [string, string, string]
    const found = this.clients.filter(
      (client) =>
        [client.id, client.userName ?? '', client.address].some((text) => text.includes(q)) &&
        (user === '' || client.userName === user) &&
        (address === '' || client.address === address),
    )
    const sort = (query.get('sort') ?? 'id') as keyof ClientSummary
    const sign = query.get('order') === 'desc' ? -1 : 1
    found.sort((a, b) => sign * compare(a[sort] ?? '', b[sort] ?? ''))
    return page(
      found.map(({ session: _session, ...summary }) => summary),
      query,
    )
  }

  #client(method: string, [id, action]: readonly string[]): Answer {
    const client = this.clients.find((each) => each.id === id)
    if (client === undefined) return failure(404, 'No such client is connected.')
    if (method === 'GET') return client
    this.clients = this.clients.filter((each) => each !== client)
    if (action === 'ban') {
      this.bans.push({ address: client.address, untilMs: Date.now() + 600_000, byOperator: true })
    }
    return new Response(null, { status: 204 })
  }

  #sessions(query: URLSearchParams): Page<SessionSummary> {
    const q = query.get('q') ?? ''
    const found = this.sessions.filter(({ id, userName = '' }) => id.includes(q) || userName.includes(q))
    return page(
      found.map((session) => ({ ...session, subscriptions: session.subscriptions.length })),
      query,
    )
  }

  #session(method: string, id: string): Answer {
    const session: SessionDetail | undefined = this.sessions.find((each) => each.id === id)
    if (session === undefined) return failure(404, 'There is no session with this Client Identifier.')
    if (method !== 'DELETE') return session
    this.sessions = this.sessions.filter((each) => each !== session)
    return { id }
  }

  #publish({ topic, payload, qos, retain }: Readonly<Record<string, unknown>>): Answer {
    const name = `${topic}`
    if (/[+#]/.test(name)) return failure(400, `'${name}' is not a Topic Name: it has a wildcard.`)
    if (retain === true && payload === '') this.retained.delete(name)
    else if (retain === true)
      this.retained.set(name, { topic: name, payload: payloadOf(`${payload}`), qos: Number(qos) })
    if (name.startsWith('full/')) return { reasonCode: 0x97, reason: 'Quota exceeded (0x97)', subscribers: 1 }
    return name.startsWith('plant/')
      ? { reasonCode: 0, reason: 'Success (0x00)', subscribers: 12 }
      : { reasonCode: 16, reason: 'No matching subscribers (0x10)', subscribers: 0 }
  }

  #users(method: string, name: string | undefined, query: URLSearchParams): Answer {
    if (this.users === undefined) return failure(404, 'The admin API has no users to change.')
    const { users } = this
    if (name === undefined) {
      const found = users.filter((user) => user.includes(query.get('q') ?? '')).map((user) => ({ name: user }))
      return page(found, query)
    }
    if (name.includes(':')) return failure(400, 'A user name has no colon.')
    if (method === 'PUT') this.users = [...new Set([...users, name])].sort()
    else if (!users.includes(name)) return failure(404, 'There is no user with this name.')
    if (method === 'DELETE') this.users = users.filter((user) => user !== name)
    return { name }
  }

  #topics(prefix: string): TopicLevel[] {
    const levels = new Map<string, { children: Set<string> }>()
    const start = prefix === '' || prefix === '/' ? prefix : `${prefix}/`
    for (const topic of this.retained.keys()) {
      if (!topic.startsWith(start)) continue
      const [level = '', child] = topic.slice(start.length).split('/')
      const found = levels.get(level) ?? { children: new Set() }
      levels.set(level, found)
      if (child !== undefined) found.children.add(child)
    }
    return [...levels].map(([level, { children }]) => {
      const topic = `${start}${level}`
      const message = this.retained.get(topic)
      return { level, topic, children: children.size, ...message }
    })
  }

  #messages(query: URLSearchParams): Answer {
    const filter = query.get('filter') ?? '#'
    if (/#./.test(filter)) return failure(400, `'${filter}' is not a Topic Filter: # must be the last level.`)
    const pattern = filter
      .split('/')
      .map((level) => (level === '+' ? '[^/]*' : level === '#' ? '.*' : level.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')))
    const matching = new RegExp(`^${pattern.join('/')}$`)
    return page(
      [...this.retained.values()].filter(({ topic }: RetainedMessage) => matching.test(topic)),
      query,
    )
  }

  #message(method: string, topic: string): Answer {
    const message = this.retained.get(topic)
    if (message === undefined) return failure(404, 'This topic has no retained message.')
    if (method !== 'DELETE') return message
    this.retained.delete(topic)
    return new Response(null, { status: 204 })
  }

  #bans(method: string, address: string | undefined): Answer {
    if (method === 'GET') return all(this.bans)
    this.bans = this.bans.filter((ban) => ban.address !== address)
    return new Response(null, { status: 204 })
  }

  #level(method: string, { level }: Readonly<Record<string, unknown>>): Answer {
    if (method === 'PUT') this.level = `${level}`
    return { level: this.level }
  }

  #traces(method: string): Answer {
    if (method === 'POST') return { id: 'trace-1' }
    return method === 'DELETE' ? new Response(null, { status: 204 }) : all([])
  }
}

const compare = (a: string | number, b: string | number): number =>
  typeof a === 'number' && typeof b === 'number' ? a - b : `${a}`.localeCompare(`${b}`)

const failure = (status: number, error: string): Response => Response.json({ error }, { status })

const all = <T>(items: readonly T[]): Page<T> => ({ items, next: null, total: items.length })

/** The cursor is the place of the next row. */
const page = <T>(items: readonly T[], query: URLSearchParams): Page<T> => {
  const start = Number(query.get('after') ?? 0)
  const end = start + Number(query.get('limit') ?? 100)
  return { items: items.slice(start, end), next: end < items.length ? `${end}` : null, total: items.length }
}

const logLines = () =>
  [
    ['info', 'server', 'Listening on 127.0.0.1:1883'],
    ['warn', 'mqttHandler', 'Client refused: kitchen from 192.0.2.7:5123: Not authorized (0x87), user bob'],
    ['error', 'store', 'A batch of 12 records was not written: no space left on device (ENOSPC). Free some space'],
    [
      'info',
      'mqttHandler',
      `Client connected: ${'a-very-long-client-identifier-'.repeat(6)} from 192.0.2.7:5123 (MQTT 5)`,
    ],
  ].map(([level, component, message], index) => ({
    ...{ number: index + 1, timeMs: Date.now() - 60_000 + index },
    ...{ level, component, message },
  }))
