import { Socket } from 'node:net'

/** A socket without a network: it records each write, and completes the writes when the test says so. */
export class FakeSocket extends Socket {
  readonly writes: Buffer[][] = []
  #taken: (() => void)[] = []
  holdsBack = false

  constructor() {
    super({ allowHalfOpen: true })
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, taken: () => void): void {
    this._writev([{ chunk }], taken)
  }

  override _writev(chunks: { chunk: Buffer }[], taken: () => void): void {
    this.writes.push(chunks.map(({ chunk }) => chunk))
    if (this.holdsBack) this.#taken.push(taken)
    else taken()
  }

  override _final(done: () => void): void {
    done()
  }

  /** Completes all writes so far. */
  takeAll(): void {
    for (const taken of this.#taken.splice(0)) taken()
  }
}
