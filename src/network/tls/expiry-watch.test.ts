import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { RecordingLogger } from '../../../test/helpers/recording-logger.ts'
import { DAY_MS, ExpiryWatch } from './expiry-watch.ts'

describe('the watch of dates', () => {
  const log = new RecordingLogger()
  let watch: ExpiryWatch
  beforeEach(() => {
    vi.useFakeTimers({ now: Date.UTC(2030, 0, 1) })
    log.lines.length = 0
    watch = new ExpiryWatch(log)
  })
  afterEach(() => {
    watch.stop()
    vi.useRealTimers()
  })
  const expiring = (days: number, what = 'Certificate a.pem') => ({
    what,
    expiresAtMs: Date.now() + days * DAY_MS,
    consequence: 'Renew it',
  })
  const messages = () => log.lines.splice(0).map(({ level, message }) => `${level}: ${message}`)

  it('warns 30, 7 and 1 days before, and at the end, each once', () => {
    watch.watch([expiring(40)])
    const warned: [day: number, message: string][] = []
    for (let day = 1; day <= 45; day += 1) {
      vi.advanceTimersByTime(DAY_MS)
      for (const message of messages()) warned.push([day, message])
    }
    expect(warned).toEqual([
      [10, 'warn: Certificate a.pem expires in 30 days, on 2030-02-10T00:00:00.000Z. Renew it'],
      [33, 'warn: Certificate a.pem expires in 7 days, on 2030-02-10T00:00:00.000Z. Renew it'],
      [39, 'error: Certificate a.pem expires in 1 day, on 2030-02-10T00:00:00.000Z. Renew it'],
      [40, 'error: Certificate a.pem expired on 2030-02-10T00:00:00.000Z. Renew it'],
    ])
  })

  it('warns at once of what is close to its end, with the last warning alone', () => {
    watch.watch([expiring(5), expiring(-1, 'Certificate b.pem'), expiring(31, 'Certificate c.pem')])
    expect(messages()).toEqual([
      expect.stringContaining('warn: Certificate a.pem expires in 5 days'),
      expect.stringContaining('error: Certificate b.pem expired on'),
    ])
  })

  it('does not repeat a warning after a reload, unless the date is another one', () => {
    const first = expiring(5)
    watch.watch([first])
    expect(messages().length).toBe(1)
    watch.watch([first])
    expect(messages()).toEqual([])
    watch.watch([expiring(6)])
    expect(messages().length).toBe(1)
    watch.watch([expiring(365)])
    expect(messages()).toEqual([])
  })

  it('ends', () => {
    watch.watch([expiring(31)])
    watch.stop()
    vi.advanceTimersByTime(40 * DAY_MS)
    expect([messages(), vi.getTimerCount()]).toEqual([[], 0])
  })
})
