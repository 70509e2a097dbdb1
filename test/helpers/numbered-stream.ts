import type { Duplex } from 'node:stream'
import { expect } from 'vitest'
import { eventually } from './eventually.ts'
import { type NumberedReport, numberedPacket } from './numbered-stages.ts'

/** Sends numbered packets in any pieces, and expects the same numbers back. */
export class NumberedStream {
  readonly #stream: Duplex
  #unsent = Buffer.alloc(0)
  #sent = 0
  #received = Buffer.alloc(0)
  #answered = 0
  isClosed = false
  fault: string | undefined

  constructor(stream: Duplex) {
    this.#stream = stream
    stream.on('close', () => {
      this.isClosed = true
    })
    stream.on('data', (chunk: Buffer) => this.#take(chunk))
  }

  /** Sends a part of the next packets: mostly one ends in the middle of a packet. */
  send(packets: number, bytes: number): void {
    for (let count = 0; count < packets; count += 1) {
      this.#sent += 1
      this.#unsent = Buffer.concat([this.#unsent, numberedPacket(this.#sent)])
    }
    this.#stream.write(this.#unsent.subarray(0, bytes))
    this.#unsent = this.#unsent.subarray(bytes)
  }

  sendRest(): void {
    this.send(1, Number.POSITIVE_INFINITY)
  }

  get isAnswered(): boolean {
    return this.#answered === this.#sent
  }

  destroy(): void {
    this.#stream.destroy()
  }

  #take(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk])
    for (; this.#received.length >= 4; this.#received = this.#received.subarray(4)) {
      this.#answered += 1
      const number = this.#received.readUInt16BE(2)
      if (number !== this.#answered) this.fault ??= `${number} came instead of ${this.#answered}`
    }
  }
}

/** Sends what is left, and checks that each packet was answered once and in order, and that no connection has ended. */
export const expectAllAnswered = async (clients: readonly NumberedStream[], report: NumberedReport): Promise<void> => {
  for (const client of clients) client.sendRest()
  await eventually(() => expect(clients.every(({ isAnswered }) => isAnswered)).toBe(true))
  expect(clients.flatMap(({ fault }) => fault ?? [])).toEqual([])
  expect(clients.some(({ isClosed }) => isClosed)).toBe(false)
  expect(report.faults).toEqual([])
  // A decoder, a handler and an encoder for each connection: all others have left.
  expect(report.live).toBe(3 * clients.length)
}
