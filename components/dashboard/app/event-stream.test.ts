import fc from 'fast-check'
import { expect, test } from 'vitest'
import { EventParser, readEvents, type StreamEvent } from './event-stream.ts'

const TEXT =
  ': hello\r\nevent: overview\r\ndata: {"a":1}\r\n\r\ndata:one\ndata: two\n\nevent: log\rdata:  x\r\rid: 7\n\nevent\ndata\n\n'
const EVENTS: StreamEvent[] = [
  { name: 'overview', data: '{"a":1}' },
  { name: 'message', data: 'one\ntwo' },
  { name: 'log', data: ' x' },
  { name: 'message', data: '' },
]

test('events are the same however the text is divided', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(TEXT.length), { maxLength: 12 }), (cuts) => {
      const parser = new EventParser()
      const places = [0, ...cuts.sort((a, b) => a - b), TEXT.length]
      const events = places.slice(1).flatMap((end, index) => parser.push(TEXT.slice(places[index], end)))
      expect(events).toEqual(EVENTS)
    }),
  )
})

test('an event without an end is given up', () => {
  const parser = new EventParser()
  const part = 'x'.repeat(1024 * 1024)
  expect(() => {
    for (let count = 0; count < 6; count++) parser.push(part)
  }).toThrow('too long')
  const lines = new EventParser()
  expect(() => {
    for (let count = 0; count < 6; count++) lines.push(`data: ${part}\n`)
  }).toThrow('too long')
})

test('characters that are divided between two chunks stay whole', async () => {
  const bytes = new TextEncoder().encode('data: 21 °C ✓\n\n')
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => {
      for (const byte of bytes) controller.enqueue(Uint8Array.of(byte))
      controller.close()
    },
  })
  const events: StreamEvent[] = []
  await readEvents(body, (event) => events.push(event))
  expect(events).toEqual([{ name: 'message', data: '21 °C ✓' }])
})
