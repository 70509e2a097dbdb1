/** The traces that the prompt follows: their lines are printed or written to a file as they come. */

import { createWriteStream, type WriteStream } from 'node:fs'
import type { Trace, TraceLine, Tracer } from '../../src/kinds/tracer.ts'
import { LimitedPrinter } from './limited-printer.ts'

/** The maximum size of the file of a trace. */
const mostFileBytes = 100 * 1024 * 1024

interface File {
  readonly stream: WriteStream
  bytes: number
}

export class TracePrinter {
  readonly #printer: LimitedPrinter
  readonly #say: (text: string) => void
  /** The traces by their id, each with its file, if it has one. */
  readonly #followed = new Map<string, File | undefined>()
  #tracer: Tracer | undefined
  #end: (() => void) | undefined

  constructor(print: (text: string) => void) {
    this.#say = print
    this.#printer = new LimitedPrinter(print, 'packet')
  }

  /** Follows a trace. @param file where its lines go, each as JSON, in place of the terminal. They are added to what is there. */
  begin(tracer: Tracer, trace: Trace, file?: string): void {
    this.#listen(tracer)
    this.#followed.set(trace.id, file === undefined ? undefined : this.#open(file))
  }

  /** Continues with the new tracer after a reset, which has the traces that ran. */
  renew(tracer: Tracer | undefined): void {
    this.#end?.()
    this.#end = undefined
    this.#tracer = undefined
    if (tracer !== undefined && this.#followed.size > 0) this.#listen(tracer)
  }

  /** Stops the traces that it follows. @returns their ids. */
  end(): readonly string[] {
    const ids = [...this.#followed.keys()]
    for (const id of ids) this.#tracer?.find(id)?.stop()
    for (const file of this.#followed.values()) file?.stream.end()
    this.#followed.clear()
    this.renew(undefined)
    this.#printer.end()
    return ids
  }

  #listen(tracer: Tracer): void {
    if (this.#tracer === tracer) return
    this.#end?.()
    this.#tracer = tracer
    this.#end = tracer.onLine((line, { id }) => this.#show(line, id))
  }

  #show(line: TraceLine, id: string): void {
    if (!this.#followed.has(id)) return
    const file = this.#followed.get(id)
    if (file === undefined) {
      this.#printer.print(() => `${new Date(line.atMs).toISOString().slice(11, 23)} ${line.text}`)
      return
    }
    const text = `${JSON.stringify({ trace: id, ...line })}\n`
    file.bytes += Buffer.byteLength(text)
    if (file.bytes <= mostFileBytes) file.stream.write(text)
    else {
      this.#say(`Trace ${id} ended: its file has ${mostFileBytes} bytes, and more are not written.`)
      this.#tracer?.find(id)?.stop()
      this.#close(id)
    }
  }

  #open(path: string): File {
    const file: File = { stream: createWriteStream(path, { flags: 'a', mode: 0o600 }), bytes: 0 }
    file.stream.on('error', (error) => this.#say(`The trace could not be written to ${path}: ${error.message}`))
    return file
  }

  #close(id: string): void {
    this.#followed.get(id)?.stream.end()
    this.#followed.delete(id)
  }
}
