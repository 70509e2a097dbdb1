import { expect, test } from 'vitest'
import { fakeOverview } from '../../../test/helpers/fake-admin/data.ts'
import { ratesBetween, readCounterKey, totalsOf } from './counters.ts'
import { HISTORY_SAMPLES, History } from './history.ts'

const overview = (counters: Record<string, number>, startedAtMs = 1) => ({
  ...fakeOverview(1, 10, 5),
  startedAtMs,
  counters,
})

test('a key has a component, a measure and labels', () => {
  expect(readCounterKey('server.sent')).toEqual({ component: 'server', measure: 'sent', labels: '' })
  expect(readCounterKey('mqttHandler.refused{reason="Not {a} authorized"}')).toEqual({
    ...{ component: 'mqttHandler', measure: 'refused', labels: 'reason="Not {a} authorized"' },
  })
})

test('totals are those of server, handler and broker, under any name, and of no other component', () => {
  const totals = totalsOf(
    overview({
      ...{ 'h.received_publish{qos="0"}': 1, 'h.received_publish{qos="1"}': 2, 'h.sent_publish{qos="0"}': 3 },
      ...{ 'h.received{type="PUBLISH"}': 4, 'h.received{type="PINGREQ"}': 5, 'h.sent{type="PINGRESP"}': 6 },
      ...{ 'h.dropped': 7, 'h.refused{reason="Banned"}': 8 },
      ...{
        'front.draining': 0,
        'front.received': 9,
        'front.sent': 10,
        'front.refused': 11,
        'front.refused_by_ban': 99,
      },
      ...{ 'b.retained_memory': 99, 'b.dropped': 12, 'b.refused': 99 },
      ...{ 'bridge.received': 99, 'http.refused{reason="host"}': 99, 'webhook.dropped': 99, 'x.constructor': 99 },
    }),
  )
  expect(totals).toEqual({
    ...{ messagesIn: 3, messagesOut: 3, packetsIn: 9, packetsOut: 6, bytesIn: 9, bytesOut: 10 },
    ...{ dropped: 19, refused: 19 },
  })
})

test('a rate is per second, and a counter that begins again counts as 0', () => {
  const before = totalsOf(overview({ 'h.received_publish': 100, 'h.sent_publish': 100 }))
  const now = totalsOf(overview({ 'h.received_publish': 150, 'h.sent_publish': 20 }))
  expect(ratesBetween(before, now, 2)).toMatchObject({ messagesIn: 25, messagesOut: 0 })
})

test('the history has five minutes of samples, and none over a restart of the broker', () => {
  const history = new History()
  history.add(overview({ 'h.received_publish': 5 }), 1_000)
  expect(history.last).toBeUndefined()
  history.add(overview({ 'h.received_publish': 9 }), 3_000)
  expect(history.last).toMatchObject({ timeSeconds: 3, messagesIn: 2, clients: 10 })
  history.add(overview({ 'h.received_publish': 10 }), 3_000)
  history.add(overview({ 'h.received_publish': 1_000 }, 2), 4_000)
  expect(history.samples.length).toBe(1)
  for (let second = 5; second < HISTORY_SAMPLES + 50; second++) history.add(overview({}, 2), second * 1_000)
  expect(history.samples.length).toBe(HISTORY_SAMPLES)
})
