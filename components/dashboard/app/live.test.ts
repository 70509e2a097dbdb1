import { expect, test, vi } from 'vitest'
import { UNKNOWN_PEER } from '../../../src/kinds/peer.ts'
import { eventually } from '../../../test/helpers/eventually.ts'
import { FAKE_TOKEN, FakeAdmin } from '../../../test/helpers/fake-admin/fake-admin.ts'
import { Api, ApiError, queryText, segment } from './api.ts'
import { Backoff } from './backoff.ts'
import type { LogEntry } from './contract.ts'
import { Live } from './live.ts'
import { PAGES } from './pages.ts'
import { keepToken, readToken } from './token.ts'

/** An API whose server is a fake in this process. */
const apiOf = (admin: FakeAdmin, token = FAKE_TOKEN) => {
  const refused = vi.fn()
  const fetcher = (async (path: string, options: RequestInit) =>
    admin.handle(new Request(`http://127.0.0.1${path}`, options), UNKNOWN_PEER)) as unknown as typeof fetch
  return { api: new Api(token, refused, fetcher), refused }
}

const failingApi = (fetcher: () => Promise<Response>) => new Api('t', () => {}, fetcher as unknown as typeof fetch)

/** A clock whose waits end when the test says so. */
const stoppedClock = () => {
  const waits: { action: () => void; milliseconds: number }[] = []
  return {
    waits,
    now: () => 1_000,
    later: (action: () => void, milliseconds: number) => {
      const wait = { action, milliseconds }
      waits.push(wait)
      return () => {
        if (waits.includes(wait)) waits.splice(waits.indexOf(wait), 1)
      }
    },
  }
}

const line = (number: number, timeMs = number): LogEntry => ({ number, timeMs, level: 'info', message: `${number}` })

test('calls send the token, and failures have the sentence of the API', async () => {
  const admin = new FakeAdmin(3)
  const { api, refused } = apiOf(admin)
  expect(await api.get<{ total: number }>('/clients', { q: 'sensor', limit: 1, user: undefined })).toMatchObject({
    total: 3,
  })
  await expect(api.get('/clients/nothing')).rejects.toMatchObject({
    status: 404,
    message: 'No such client is connected.',
  })
  expect(await api.send('DELETE', '/clients/sensor-00001')).toBeUndefined()
  expect(await api.send('PUT', '/log/level', { level: 'debug' })).toEqual({ level: 'debug' })
  expect(refused).not.toHaveBeenCalled()
  const wrong = apiOf(admin, 'wrong')
  await expect(wrong.api.get('/overview')).rejects.toMatchObject({ status: 401 })
  expect(wrong.refused).toHaveBeenCalledOnce()
})

test('an answer that is no JSON, and no answer, have a sentence of their own', async () => {
  const page = failingApi(async () => new Response('<html>', { status: 502 }))
  await expect(page.get('/overview')).rejects.toMatchObject({
    status: 502,
    message: 'The broker answered with status 502.',
  })
  const empty = failingApi(async () => Response.json({ error: '' }, { status: 500 }))
  await expect(empty.get('/overview')).rejects.toThrow('status 500')
  const gone = failingApi(() => Promise.reject(new TypeError('fetch failed')))
  await expect(gone.get('/overview')).rejects.toThrow(new ApiError(0, 'The broker does not answer.'))
  const silent = failingApi(async () => new Response(null))
  await expect(silent.events(new AbortController().signal)).rejects.toThrow('no events')
})

test('a call that the page gives up fails with AbortError', async () => {
  const abort = new AbortController()
  abort.abort()
  const api = failingApi(() => Promise.reject(new Error('aborted')))
  await expect(api.get('/overview', {}, abort.signal)).rejects.not.toBeInstanceOf(ApiError)
})

test('queries and segments may have any characters', () => {
  expect(queryText({ q: 'a&b=c', none: undefined, empty: '', limit: 0 })).toBe('?q=a%26b%3Dc&limit=0')
  expect(queryText({})).toBe('')
  expect(segment('a/b?#')).toBe('a%2Fb%3F%23')
})

test('events fill overview, history, log and traces', async () => {
  const admin = new FakeAdmin(3, 5)
  const live = new Live(apiOf(admin).api)
  const changed = vi.fn()
  const end = live.subscribe(changed)
  const traced = vi.fn()
  live.onTrace(traced)
  const over = live.connect()
  await eventually(() => expect(live.history.last).toBeDefined())
  expect(live.connection).toEqual({ state: 'connected' })
  expect(live.overview).toMatchObject({ clients: 3 })
  admin.emit('trace', { traceId: 'a', timeMs: 1, text: 'PUBLISH' })
  await eventually(() => expect(traced).toHaveBeenCalledWith('a', { timeMs: 1, text: 'PUBLISH' }))
  live.addOlderLog([line(1), line(2), line(1_000_000)])
  expect(live.log.map(({ number }) => number).slice(0, 3)).toEqual([1, 2, 101])
  expect(new Set(live.log.map(({ key }) => key)).size).toBe(live.log.length)
  live.clearLog()
  end()
  expect(changed).toHaveBeenCalled()
  live.stop()
  await over
})

test('the first numbers do not wait for the first event', async () => {
  const { api } = apiOf(new FakeAdmin(3))
  vi.spyOn(api, 'events').mockImplementation(async () => new ReadableStream())
  const live = new Live(api, stoppedClock())
  void live.connect()
  await eventually(() => expect(live.overview).toMatchObject({ clients: 3 }))
  live.stop()
})

test('after a lost connection it tries again, later each time, until a connection works', async () => {
  const clock = stoppedClock()
  let isUp = false
  const admin = new FakeAdmin(3)
  const { api } = apiOf(admin)
  const events = vi.spyOn(api, 'events')
  const real = events.getMockImplementation() ?? Api.prototype.events.bind(api)
  events.mockImplementation((signal) =>
    isUp ? real(signal) : Promise.reject(new ApiError(0, 'The broker does not answer.')),
  )
  const live = new Live(api, clock)
  await live.connect()
  expect(live.connection).toMatchObject({ state: 'lost', why: 'The broker does not answer.', sinceMs: 1_000 })
  expect(clock.waits[0]!.milliseconds).toBeLessThanOrEqual(1_000)
  await live.connect()
  // The wait of the first attempt is over.
  expect(clock.waits.length).toBe(1)
  expect(clock.waits[0]!.milliseconds).toBeGreaterThan(1_000)
  isUp = true
  clock.waits[0]!.action()
  await eventually(() => expect(live.connection.state).toBe('connected'))
  // Silence ends the connection.
  clock.waits.find(({ milliseconds }) => milliseconds === 10_000)!.action()
  live.stop()
})

test('an attempt that replaces another one is given up when it is silent as well', async () => {
  const clock = stoppedClock()
  const hangs = failingApi(() => new Promise(() => {}))
  vi.spyOn(hangs, 'events').mockImplementation(
    (signal) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason))
      }),
  )
  const live = new Live(hangs, clock)
  const first = live.connect()
  const second = live.connect()
  await first
  expect(clock.waits.map(({ milliseconds }) => milliseconds)).toEqual([10_000])
  clock.waits[0]!.action()
  await second
  expect(live.connection).toMatchObject({ state: 'lost', why: 'The broker sends nothing any more.' })
  live.stop()
})

test('an event that comes after the connection was given up changes nothing', async () => {
  const clock = stoppedClock()
  const api = apiOf(new FakeAdmin(3)).api
  const bodies: ReadableStreamDefaultController<Uint8Array>[] = []
  vi.spyOn(api, 'events').mockImplementation(
    async () => new ReadableStream({ start: (controller) => void bodies.push(controller) }),
  )
  const live = new Live(api, clock)
  const [first, second] = [live.connect(), live.connect()]
  await eventually(() => expect(bodies).toHaveLength(2))
  const event = (message: string) =>
    new TextEncoder().encode(`event: log\ndata: ${JSON.stringify({ ...line(1), message })}\n\n`)
  bodies[0]!.enqueue(event('late'))
  bodies[0]!.close()
  await first
  bodies[1]!.enqueue(event('in time'))
  bodies[1]!.enqueue(new TextEncoder().encode('event: unknown\ndata: {}\n\n'))
  bodies[1]!.close()
  await second
  expect(live.log.map(({ message }) => message)).toEqual(['in time'])
  expect(live.connection).toMatchObject({ state: 'lost', why: 'The broker ended the connection.' })
  live.stop()
})

test('a connection that the broker refuses has the sentence of the API, and one that breaks a sentence of its own', async () => {
  const clock = stoppedClock()
  const { api } = apiOf(new FakeAdmin(3))
  const events = vi.spyOn(api, 'events').mockRejectedValueOnce(new ApiError(503, 'Too many event streams are open.'))
  const live = new Live(api, clock)
  await live.connect()
  expect(live.connection).toMatchObject({ state: 'lost', why: 'Too many event streams are open.', sinceMs: 1_000 })
  events.mockRejectedValueOnce(new TypeError('network error'))
  await live.connect()
  expect(live.connection).toMatchObject({ state: 'lost', why: 'The connection was lost.', sinceMs: 1_000 })
  live.stop()
  expect(clock.waits).toEqual([])
})

test('waits are those of the browser', async () => {
  vi.useFakeTimers()
  const { api } = apiOf(new FakeAdmin(3))
  const events = vi.spyOn(api, 'events').mockRejectedValue(new TypeError('network error'))
  const live = new Live(api)
  const end = live.onTrace(() => undefined)
  await live.connect()
  await vi.advanceTimersByTimeAsync(1_000)
  expect(events).toHaveBeenCalledTimes(2)
  end()
  live.stop()
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

test('an API calls with fetch of the browser unless told otherwise', async () => {
  const fetched = vi.spyOn(globalThis, 'fetch').mockResolvedValue(Response.json({ ok: true }))
  expect(await new Api('t', () => {}).get('/overview')).toEqual({ ok: true })
  expect(fetched).toHaveBeenCalledWith('/api/v1/overview', expect.objectContaining({ method: 'GET' }))
  fetched.mockRestore()
})

test('a token that is refused ends the attempts', async () => {
  const clock = stoppedClock()
  const live = new Live(apiOf(new FakeAdmin(1), 'wrong').api, clock)
  await live.connect()
  expect(clock.waits).toEqual([])
})

test('attempts are 1 s to 30 s apart, less up to a quarter', () => {
  const backoff = new Backoff()
  expect(Array.from({ length: 7 }, () => backoff.next(0))).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000])
  backoff.reset()
  expect([backoff.next(1), backoff.next(0.5)]).toEqual([750, 1_750])
})

test('the token is kept in the storage, and a storage that fails is no fault', () => {
  const kept = new Map<string, string>()
  const storage = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  }
  keepToken(storage, 'secret')
  expect(readToken(storage)).toBe('secret')
  keepToken(storage, undefined)
  expect(readToken(storage)).toBeUndefined()
  const fail = () => {
    throw new Error('denied')
  }
  const failing = { getItem: fail, setItem: fail, removeItem: fail }
  keepToken(failing, 'secret')
  expect(readToken(failing)).toBeUndefined()
})

test('each page has a key of its own', () => expect(new Set(PAGES.map(({ key }) => key)).size).toBe(PAGES.length))
