import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { BufferPool } from './buffer-pool.ts'
import { EndOfTurn } from './end-of-turn.ts'
import { MAXIMUM_OWN_READERS } from './own-readers.ts'
import { currentRead } from './read-buffer.ts'
import { SharedInput } from './shared-input.ts'
import type { InputReader } from './socket-reads.ts'

let server: Server
beforeEach(async () => {
  server = createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterEach(() => {
  server.close()
})

/** A connection whose server side was adopted; `next` is what one read of it brings. */
const connected = async (input: SharedInput) => {
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1').setNoDelay(true)
  const [accepted] = (await once(server, 'connection')) as [Socket]
  let take: (read: Read) => void = () => undefined
  const packet: { memory: Buffer | undefined; bytesRead(length: number): void } = {
    memory: undefined,
    bytesRead: () => {},
  }
  const reader = {
    read: (chunk: Buffer) => take({ chunk, isShared: currentRead.chunk === chunk }),
    hasRest: false,
    readBuffer: () => packet.memory,
    bytesRead: (length: number) => packet.bytesRead(length),
  }
  const socket = input.adopt(accepted, reader, () => undefined)
  socket?.resume()
  const next = (act: (read: Read) => void = () => undefined) =>
    new Promise<string>((resolve) => {
      take = (read) => {
        act(read)
        resolve(`${read.chunk}`)
      }
    })
  /** Every read from now on. */
  const each = (act: (read: Read) => void) => {
    take = act
  }
  return { client, socket: socket!, next, each, packet }
}

const MUCH_BYTES = 1024 * 1024

/** A client that is read into memory of its own from now on, and is not read. `rest` reads on, and ends with all that was read. */
const sendsMuch = async (input: SharedInput) => {
  const { client, socket, each } = await connected(input)
  const sent = randomBytes(MUCH_BYTES)
  const chunks: Buffer[] = []
  let bytes = 0
  const stopped = new Promise<void>((resolve) => {
    each(({ chunk, isShared }) => {
      chunks.push(Buffer.from(chunk))
      bytes += chunk.length
      if (!isShared) return
      // As if some of it was forwarded.
      currentRead.buffer?.stay()
      if (chunk.length < 64 * 1024 || socket.isPaused()) return
      socket.pause()
      resolve()
    })
  })
  client.write(sent)
  await stopped
  const rest = async (): Promise<boolean> => {
    const all = new Promise<void>((resolve) => {
      each(({ chunk }) => {
        chunks.push(Buffer.from(chunk))
        bytes += chunk.length
        if (bytes === MUCH_BYTES) resolve()
      })
    })
    socket.resume()
    await all
    return Buffer.concat(chunks).equals(sent)
  }
  return { client, socket, rest }
}

/** Buffers in use when what was used in the last turns was given back, which happens when something is read again. */
const inUseWhenOver = async (pool: BufferPool, input: SharedInput): Promise<number> => {
  const { client, next } = await connected(input)
  await new Promise(setImmediate)
  const read = next(forwarded)
  client.write('end')
  await read
  client.destroy()
  // The memory that these bytes were moved to.
  return pool.inUse - 1
}

interface Read {
  readonly chunk: Buffer
  /** It lies in the memory that all read into. */
  readonly isShared: boolean
}

/** Does what a connection does that is sent a part of the chunk. @returns where the chunk is from then on. */
const forwarded = ({ chunk, isShared }: Read): Buffer => {
  if (!isShared) return chunk
  const { buffer } = currentRead
  const memory = buffer!.stay()
  return memory.subarray(buffer!.offset, buffer!.offset + chunk.length)
}

describe('shared input', () => {
  it('is what an accepted connection reads into, on this version of Node', async () => {
    const input = new SharedInput(new BufferPool(), new EndOfTurn())
    const [first, second] = [await connected(input), await connected(input)]
    const memory = new Set<ArrayBufferLike>()
    for (const { client, next } of [first, second, first]) {
      const read = next(({ chunk }) => memory.add(chunk.buffer))
      client.write('bytes')
      expect(await read).toBe('bytes')
    }
    expect(memory.size).toBe(1)
    for (const { client } of [first, second]) client.destroy()
  })

  it('moves what is forwarded before it is overwritten', async () => {
    const { client, next } = await connected(new SharedInput(new BufferPool(), new EndOfTurn()))
    let from: Uint8Array | undefined
    let to: Uint8Array | undefined
    const first = next((read) => {
      from = read.chunk
      to = forwarded(read)
    })
    client.write('first')
    await first
    const overwritten = next()
    client.write('other')
    await overwritten
    expect([`${from}`, `${to}`]).toEqual(['other', 'first'])
    client.destroy()
  })

  it('gives who sends much, to be forwarded, memory of its own', async () => {
    const { client, each } = await connected(new SharedInput(new BufferPool(), new EndOfTurn()))
    const memory = new Set<ArrayBufferLike>()
    let bytes = 0
    const total = 4 * 1024 * 1024
    const done = new Promise<void>((resolve) => {
      // A part of every read is forwarded.
      each((read) => {
        const { chunk, isShared } = read
        forwarded(read)
        if (!isShared) memory.add(chunk.buffer)
        bytes += chunk.length
        if (bytes === total) resolve()
      })
    })
    client.write(Buffer.alloc(total))
    await done
    expect(memory.size).toBeGreaterThan(1)
    client.destroy()
  })

  it('only a few clients that sent much and are silent now keep buffers', async () => {
    const pool = new BufferPool()
    const endOfTurn = new EndOfTurn()
    const input = new SharedInput(pool, endOfTurn)
    const clients: Awaited<ReturnType<typeof sendsMuch>>[] = []
    for (let index = 0; index < 2 * MAXIMUM_OWN_READERS; index += 1) clients.push(await sendsMuch(input))
    expect(await inUseWhenOver(pool, input)).toBe(MAXIMUM_OWN_READERS)
    // A connection that is closed gives its buffer back: what is left is what the last bytes were moved to.
    for (const { client, socket } of clients) {
      client.destroy()
      socket.destroy()
    }
    expect(pool.inUse).toBe(1)
  })

  it('a connection that is closed during a read keeps no buffer, and each buffer is returned once', async () => {
    const pool = new BufferPool()
    const input = new SharedInput(pool, new EndOfTurn())
    for (const isShared of [true, false]) {
      const { client, socket, each } = await connected(input)
      const closed = once(socket, 'close')
      each((read) => {
        forwarded(read)
        if (read.chunk.length === 64 * 1024 && read.isShared === isShared) socket.destroy()
      })
      client.on('error', () => undefined).write(Buffer.alloc(MUCH_BYTES))
      await closed
      client.destroy()
    }
    const taken = [pool.take(), pool.take()]
    expect(await inUseWhenOver(pool, input)).toBe(taken.length)
  })

  it('takes back the buffer of a client that is silent for long, and continues to read from it', async () => {
    const pool = new BufferPool()
    const endOfTurn = new EndOfTurn()
    const input = new SharedInput(pool, endOfTurn)
    const some = async () => {
      const clients: Awaited<ReturnType<typeof sendsMuch>>[] = []
      for (let index = 0; index < MAXIMUM_OWN_READERS; index += 1) clients.push(await sendsMuch(input))
      return clients
    }
    const silent = await some()
    endOfTurn.turn += 1_000_000
    const others = await some()
    expect(await inUseWhenOver(pool, input)).toBe(MAXIMUM_OWN_READERS)
    for (const { client, rest } of [...silent, ...others]) {
      expect(await rest()).toBe(true)
      client.destroy()
    }
  })

  it('reads into the memory of a packet for as long as the connection provides it', async () => {
    const { client, next, packet } = await connected(new SharedInput(new BufferPool(), new EndOfTurn()))
    const memory = Buffer.alloc(10)
    const first = next(() => {
      packet.memory = memory.subarray(2, 6)
    })
    client.write('first')
    await first
    const lengths: number[] = []
    const bothRead = new Promise<void>((resolve) => {
      packet.bytesRead = (length) => {
        lengths.push(length)
        packet.memory = lengths.length === 1 ? memory.subarray(6, 8) : undefined
        if (lengths.length === 2) resolve()
      }
    })
    const last = next()
    client.write('abcdefghi')
    await bothRead
    expect([lengths, memory.toString('latin1')]).toEqual([[4, 2], '\0\0abcdef\0\0'])
    expect(await last).toBe('ghi')
    client.destroy()
  })

  it('leaves the server knowing how many connections it has, and when the last is closed', async () => {
    const { client, socket } = await connected(new SharedInput(new BufferPool(), new EndOfTurn()))
    const connections = () => new Promise((resolve) => server.getConnections((_, count) => resolve(count)))
    expect(await connections()).toBe(1)
    const closed = once(server, 'close')
    server.close()
    client.end()
    await once(socket, 'end')
    socket.end()
    await closed
    expect(await connections()).toBe(0)
  })

  it('leaves alone what is no socket of the operating system', () => {
    expect(
      new SharedInput(new BufferPool(), new EndOfTurn()).adopt({} as Socket, {} as InputReader, () => undefined),
    ).toBeUndefined()
  })
})
