import { Duplex } from 'node:stream'
import { describe, expect, it, vi } from 'vitest'
import { eventually } from '../../test/helpers/eventually.ts'
import { clientFrame } from '../../test/helpers/web-socket-frames.ts'
import { CONTROL_FRAMES, FRAMES_PER_STEP, SMALL_FRAMES } from './frame-reader.ts'
import { WebSocketStream } from './web-socket-stream.ts'

/** A socket whose other end is the test. */
class TestSocket extends Duplex {
  readonly written: Buffer[] = []
  /** Writes wait while this is set. */
  isBlocked = false
  waiting: (() => void)[] = []

  constructor() {
    super({ allowHalfOpen: true })
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, written: () => void): void {
    this.written.push(chunk)
    if (this.isBlocked) this.waiting.push(written)
    else written()
  }

  override _writev(chunks: { chunk: Buffer }[], written: () => void): void {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), '', written)
  }

  get bytes(): string {
    return Buffer.concat(this.written).toString('hex')
  }
}

const streamOf = (head: Uint8Array = new Uint8Array()) => {
  const socket = new TestSocket()
  const stream = new WebSocketStream(socket, Buffer.from(head))
  const events: string[] = []
  stream.on('end', () => events.push('end'))
  stream.on('close', () => events.push('close'))
  stream.on('error', (error: Error) => events.push(error.message))
  return { socket, stream, events }
}
const text = (content: string): Buffer => clientFrame(Buffer.from(content))
const empty = clientFrame(new Uint8Array(), { opcode: 9 })

describe('WebSocketStream', () => {
  it.each([
    ['without a Close frame', ''],
    ['behind a Close frame', clientFrame(Buffer.from([3, 232]), { opcode: 8 }).toString('latin1')],
  ])('ends after the last byte when the connection ends %s while it is paused', async (_, close) => {
    const { socket, stream, events } = streamOf()
    let found = ''
    stream.on('data', (chunk: Buffer) => {
      found += chunk
      stream.pause()
    })
    socket.push(text('first'))
    await eventually(() => expect(found).toBe('first'))
    // The socket holds these, and ends when they are taken from it.
    const inOneStep = FRAMES_PER_STEP / SMALL_FRAMES
    const frames = Array.from({ length: inOneStep + 1 }, () => text('x'))
    socket.push(Buffer.concat([...frames, text(' last'), Buffer.from(close, 'latin1')]))
    socket.push(null)
    stream.resume()
    await eventually(() => expect(found).toBe(`first${'x'.repeat(inOneStep)}`))
    await new Promise(setImmediate)
    expect(events).toEqual([])
    stream.resume()
    await eventually(() => expect(events).toEqual(['end']))
    expect(found).toBe(`first${'x'.repeat(inOneStep + 1)} last`)
  })

  it('passes nothing on before there is a listener, then first the bytes that came with the request', async () => {
    const { socket, stream } = streamOf(text('first '))
    socket.push(text('second'))
    await new Promise(setImmediate)
    let found = ''
    stream.on('data', (chunk: Buffer) => {
      found += chunk
    })
    expect(found).toBe('')
    await eventually(() => expect(found).toBe('first second'))
  })

  it('charges each step of a chunk, also one without payload, and stops within a chunk', async () => {
    const { socket, stream } = streamOf()
    const steps: number[] = []
    stream.on('data', (chunk: Buffer) => {
      steps.push(chunk.length)
      if (steps.length === 3) stream.pause()
    })
    socket.push(Buffer.concat([...Array((10 * FRAMES_PER_STEP) / CONTROL_FRAMES).fill(empty), text('x')]))
    await eventually(() => expect(steps).toEqual([0, 0, 0]))
    socket.push(text('y'))
    await new Promise(setImmediate)
    expect(steps).toEqual([0, 0, 0])
    stream.resume()
    // Within the call nothing is passed on, as with a stream of Node.
    expect(steps).toEqual([0, 0, 0])
    await eventually(() => expect(steps).toEqual([...Array(10).fill(0), 1, 1]))
  })

  it('may be paused and resumed within a chunk', async () => {
    const { socket, stream } = streamOf()
    let found = ''
    stream.on('data', (chunk: Buffer) => {
      found += chunk
      stream.pause()
      stream.resume()
    })
    for (const each of 'abc')
      socket.push(Buffer.concat([...Array(FRAMES_PER_STEP / CONTROL_FRAMES).fill(empty), text(each)]))
    await eventually(() => expect(found).toBe('abc'))
  })

  it.each([
    [125, '827d', 1],
    [126, '827e007e', 1],
    [5_000, '827e1388', 1],
    [65_536, '827f0000000000010000', 1],
  ])('writes %d bytes as one frame', (length, header) => {
    const { socket, stream } = streamOf()
    stream.cork()
    const half = length >> 1
    stream.write(Buffer.alloc(half, 'x'))
    stream.write(Buffer.alloc(length - half, 'x'))
    stream.uncork()
    expect(socket.bytes).toBe(header + '78'.repeat(length))
  })

  it('writes nothing for nothing', () => {
    const { socket, stream } = streamOf()
    stream.cork()
    stream.write(new Uint8Array())
    stream.uncork()
    expect(socket.bytes).toBe('')
  })

  it('says how much was written and not taken', async () => {
    const { socket, stream } = streamOf()
    socket.isBlocked = true
    const written = vi.fn()
    stream.write(Buffer.from('abc'), written)
    expect(stream.writableLength).toBe(5)
    expect(written).not.toHaveBeenCalled()
    socket.waiting[0]!()
    await eventually(() => expect(written).toHaveBeenCalledOnce())
    expect(stream.writableLength).toBe(0)
  })

  it('answers the last of many Ping frames when the first answer was taken', async () => {
    const { socket, stream } = streamOf()
    stream.on('data', () => undefined)
    socket.isBlocked = true
    socket.push(Buffer.concat(['1', '2', '3'].map((each) => clientFrame(Buffer.from(each), { opcode: 9 }))))
    await eventually(() => expect(socket.bytes).toBe('8a0131'))
    socket.isBlocked = false
    socket.waiting[0]!()
    await eventually(() => expect(socket.bytes).toBe('8a01318a0133'))
  })

  it('sends a Close frame at its end, and ends the connection when the peer has sent its own', async () => {
    const { socket, stream, events } = streamOf()
    stream.on('data', () => undefined)
    stream.end()
    const refused = vi.fn()
    stream.write(Buffer.from('late'), refused)
    expect(refused).toHaveBeenCalledWith(expect.objectContaining({ name: 'WebSocketError' }))
    expect([socket.bytes, socket.writableEnded]).toEqual(['880203e8', false])
    socket.push(clientFrame(Buffer.from([3, 232]), { opcode: 8 }))
    await eventually(() => expect(events).toEqual(['end']))
    expect(socket.writableEnded).toBe(true)
    expect(socket.bytes).toBe('880203e8')
  })

  it.each([
    ['a Close frame', (socket: TestSocket) => socket.push(clientFrame(Buffer.from([3, 233]), { opcode: 8 }))],
    ['no Close frame', (socket: TestSocket) => socket.push(null)],
  ])('still writes when the peer is at its end, with %s', async (_, finish) => {
    const { socket, stream, events } = streamOf()
    stream.on('data', () => undefined)
    finish(socket)
    await eventually(() => expect(events).toEqual(['end']))
    stream.write(Buffer.from('answer'))
    stream.end()
    expect([socket.bytes, socket.writableEnded]).toEqual([`8206${Buffer.from('answer').toString('hex')}880203e8`, true])
  })

  it('tells the peer why when it broke the protocol, and then reports it once', async () => {
    const { socket, stream, events } = streamOf()
    let found = ''
    stream.on('data', (chunk: Buffer) => {
      found += chunk
    })
    socket.push(Buffer.concat([text('good'), clientFrame(Buffer.from('bad'), { opcode: 1 }), text('late')]))
    socket.push(text('later'))
    await eventually(() => expect(events).toEqual(['a text frame: MQTT is sent in binary frames']))
    expect([found, socket.bytes]).toEqual(['good', '880203eb'])
    expect(stream.errored).toMatchObject({ name: 'WebSocketError' })
  })

  it('reports a broken protocol at once when the peer takes nothing', async () => {
    const { socket, stream, events } = streamOf()
    stream.on('data', () => undefined)
    socket.isBlocked = true
    stream.write(Buffer.from('waits'))
    socket.push(clientFrame(Buffer.from('bad'), { opcode: 1 }))
    await eventually(() => expect(events).toHaveLength(1))
  })

  it('tells its end once when the connection ends behind the Close frame, and discards what comes between', async () => {
    const { socket, stream, events } = streamOf()
    const found: string[] = []
    stream.on('data', (chunk: Buffer) => found.push(String(chunk)))
    socket.push(clientFrame(Buffer.from([3, 232]), { opcode: 8 }))
    await eventually(() => expect(events).toEqual(['end']))
    socket.push(text('late'))
    socket.push(null)
    await new Promise((resolve) => socket.once('end', resolve))
    expect([found.join(''), events]).toEqual(['', ['end']])
  })

  it('sends no second Close frame to a peer that breaks the protocol behind the first, and reports it', async () => {
    const { socket, stream, events } = streamOf()
    stream.on('data', () => undefined)
    stream.end()
    socket.push(clientFrame(Buffer.from('bad'), { opcode: 1 }))
    await eventually(() => expect(events).toEqual(['a text frame: MQTT is sent in binary frames']))
    expect(socket.bytes).toBe('880203e8')
  })

  it('answers no Ping frame behind its Close frame', async () => {
    const { socket, stream } = streamOf()
    const steps: number[] = []
    stream.on('data', (chunk: Buffer) => steps.push(chunk.length))
    stream.end()
    socket.push(clientFrame(Buffer.from('1'), { opcode: 9 }))
    await eventually(() => expect(steps).toHaveLength(1))
    expect(socket.bytes).toBe('880203e8')
  })

  it('passes nothing on when it is resumed and paused again, also of a chunk that comes while it is paused', async () => {
    const { socket, stream } = streamOf()
    let found = ''
    stream.on('data', (chunk: Buffer) => {
      found += chunk
    })
    stream.pause()
    stream.resume()
    stream.pause()
    // A socket may still have a chunk that it has read.
    socket.emit('data', text('first '))
    socket.emit('data', text('second'))
    await new Promise(setImmediate)
    expect([found, socket.isPaused()]).toEqual(['', true])
    stream.resume()
    await eventually(() => expect(found).toBe('first second'))
  })

  it('is destroyed by an error without a listener', async () => {
    const socket = new TestSocket()
    const stream = new WebSocketStream(socket, Buffer.alloc(0))
    socket.destroy(new Error('lost'))
    await eventually(() => expect(stream.destroyed).toBe(true))
  })

  it('reports the loss of the connection', async () => {
    const { socket, events, stream } = streamOf()
    socket.destroy(new Error('lost'))
    await eventually(() => expect(events).toEqual(['lost', 'close']))
    expect(stream.destroyed).toBe(true)
  })
})
