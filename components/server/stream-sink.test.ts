import { Duplex } from 'node:stream'
import { expect, it } from 'vitest'
import { FakeSocket } from '../../test/helpers/fake-socket.ts'
import { StreamSink } from './stream-sink.ts'

/** What a stream holds after the memory of two writes, which it says that it has taken, was used for something else. */
const heldBy = (stream: Duplex, held: readonly Uint8Array[]): string => {
  const sink = new StreamSink(stream)
  const memory = Buffer.from('first')
  const written: string[] = []
  sink.send(memory, () => void written.push('one'))
  memory.write('other')
  sink.sendAll([memory, Buffer.from('!')], () => void written.push('two'))
  memory.fill('-')
  expect(written).toEqual(['one', 'two'])
  return Buffer.concat(held).toString()
}

it('a stream that passes bytes on as they are gets bytes that stay as they are', () => {
  const held: Uint8Array[] = []
  const stream = new Duplex({
    read: () => undefined,
    write(chunk: Uint8Array, _encoding, taken) {
      held.push(chunk)
      taken()
    },
  })
  expect(heldBy(stream, held)).toBe('firstother!')
})

it('a socket, which copies them, gets them without another copy', () => {
  const socket = new FakeSocket()
  const memory = Buffer.from('bytes')
  new StreamSink(socket).send(memory, () => undefined)
  expect(socket.writes[0]?.[0]).toBe(memory)
})

it('a stream that says that it copies them gets them without another copy', () => {
  const held: Uint8Array[] = []
  const stream = new Duplex({
    write(chunk: Uint8Array, _encoding, taken) {
      held.push(chunk)
      taken()
    },
  })
  const memory = Buffer.from('bytes')
  new StreamSink(Object.assign(stream, { copiesBytes: true })).send(memory, () => undefined)
  expect(held[0]).toBe(memory)
})
