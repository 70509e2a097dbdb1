/** Reads what strace wrote of a broker: what it did to the file of its store, and what it acknowledged. */

import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { AcknowledgementReader } from './acknowledgement-reader.ts'

/** A call, from the line at which it began to the line at which it had returned. */
interface Span {
  readonly start: number
  readonly end: number
}

export type FileChange = Span &
  (
    | {
        readonly type: 'write'
        readonly offset: number
        readonly bytes: Buffer
        /** Through an O_DSYNC descriptor: on the disk when the call returns. */
        readonly isSynced: boolean
      }
    | { readonly type: 'truncate'; readonly size: number }
  )

export interface Recording {
  /** In the order in which they began. */
  readonly changes: readonly FileChange[]
  /** Calls that have put on the disk what was written before they began. */
  readonly syncs: readonly Span[]
  /** A Packet Identifier that PUBACK or PUBREC began to send at this line. */
  readonly acknowledged: readonly { readonly at: number; readonly identifier: number }[]
  /** Where SUBACK packets began to be sent. */
  readonly subscribed: readonly number[]
  readonly lines: number
}

/** A call on a descriptor of the file. */
interface FileCall {
  readonly number: string
  readonly args: string
  readonly returned: number
}

/** What strace is asked for, so that `Recorder` can read it. */
export const STRACE_OPTIONS = [
  // The broker is the child of this process, not of strace.
  '-D',
  ...['-f', '-y', '-xx', '-s', '16777216', '--seccomp-bpf'],
  ...[
    '-e',
    'trace=openat,pwrite64,pwritev,pwritev2,fdatasync,fsync,ftruncate,fallocate,lseek,write,writev,sendto,sendmsg',
  ],
]

/** Reads a file that strace wrote with `STRACE_OPTIONS`. */
export const readRecording = async (path: string): Promise<Recording> => {
  const recorder = new Recorder()
  for await (const line of createInterface({ input: createReadStream(path, 'latin1') })) recorder.line(line)
  return recorder
}

/** Takes the lines of strace one by one. */
export class Recorder implements Recording {
  readonly changes: FileChange[] = []
  readonly syncs: Span[] = []
  readonly acknowledged: { readonly at: number; readonly identifier: number }[] = []
  readonly subscribed: number[] = []
  lines = 0
  /** By thread: a call that has not returned. */
  readonly #unfinished = new Map<string, { readonly text: string; readonly start: number }>()
  /** Descriptors of the file that were opened with O_DSYNC. */
  readonly #synced = new Set<string>()
  /** By descriptor: where the next call writes that names no offset. */
  readonly #positions = new Map<string, number>()
  readonly #sockets = new Map<string, AcknowledgementReader>()
  /** The size of the file. */
  #size = 0

  line(line: string): void {
    const end = this.lines
    this.lines += 1
    const space = line.indexOf(' ')
    const thread = line.slice(0, space)
    const text = line.slice(space + 1).trimStart()
    if (text.endsWith(UNFINISHED)) {
      this.#unfinished.set(thread, { text: text.slice(0, -UNFINISHED.length), start: end })
      return
    }
    const resumed = /^<\.\.\. \w+ resumed>/.exec(text)
    if (resumed === null) {
      this.#call(text, { start: end, end })
      return
    }
    const begun = this.#unfinished.get(thread)
    this.#unfinished.delete(thread)
    if (begun !== undefined) this.#call(begun.text + text.slice(resumed[0].length), { start: begun.start, end })
  }

  #call(text: string, span: Span): void {
    const parts = /^(\w+)\((.*)\) += (\d+)/s.exec(text)
    // A call that failed has no number there.
    if (parts === null) return
    const [, name = '', args = '', returned = ''] = parts
    if (name === 'openat') this.#opened(text, returned)
    const descriptor = /^(\d+)<([^>]*)>/.exec(args)
    if (descriptor === null) return
    const [, number = '', path = ''] = descriptor
    const target = bytesOf(path).toString('latin1')
    if (target.startsWith('socket:')) this.#sent(target, args, Number(returned), span)
    else if (target.endsWith('/data.mdb')) this.#changed(name, { number, args, returned: Number(returned) }, span)
  }

  #opened(text: string, descriptor: string): void {
    // With O_APPEND the first call writes at the end, and others do not write between it and the next ones.
    if (/\bO_APPEND\b/.test(text)) this.#positions.set(descriptor, this.#size)
    else this.#positions.delete(descriptor)
    const path = /= \d+<([^>]*)>/.exec(text)?.[1] ?? ''
    if (!bytesOf(path).toString('latin1').endsWith('/data.mdb') || !/O_D?SYNC/.test(text))
      this.#synced.delete(descriptor)
    else this.#synced.add(descriptor)
  }

  #changed(name: string, { number, args, returned }: FileCall, span: Span): void {
    const position = this.#positions.get(number) ?? 0
    const isSynced = this.#synced.has(number)
    if (name === 'fdatasync' || name === 'fsync') this.syncs.push(span)
    else if (name === 'lseek') this.#positions.set(number, returned)
    else if (name === 'ftruncate') this.#add({ type: 'truncate', size: lastNumber(args), ...span })
    else if (name === 'fallocate') throw new Error('The recording has a call that is not replayed: fallocate')
    else {
      const bytes = stringsOf(args).subarray(0, returned)
      const isPositioned = name.startsWith('pwrite')
      if (!isPositioned) this.#positions.set(number, position + returned)
      // pwritev2 has flags behind the offset.
      const last = name === 'pwritev2' ? args.slice(0, args.lastIndexOf(',')) : args
      const offset = isPositioned ? lastNumber(last) : position
      this.#add({ type: 'write', offset, bytes, isSynced, ...span })
    }
  }

  /** Keeps the order of the beginnings: calls are known when they have returned. */
  #add(change: FileChange): void {
    if (change.type === 'truncate') this.#size = change.size
    else this.#size = Math.max(this.#size, change.offset + change.bytes.length)
    let at = this.changes.length
    while (at > 0 && this.changes[at - 1]!.start > change.start) at -= 1
    this.changes.splice(at, 0, change)
  }

  #sent(socket: string, args: string, returned: number, { start }: Span): void {
    let reader = this.#sockets.get(socket)
    if (reader === undefined) {
      reader = new AcknowledgementReader({
        acknowledged: (identifier, at) => void this.acknowledged.push({ at, identifier }),
        subscribed: (at) => void this.subscribed.push(at),
      })
      this.#sockets.set(socket, reader)
    }
    reader.read(stringsOf(args).subarray(0, returned), start)
  }
}

const UNFINISHED = ' <unfinished ...>'

/** All strings of the arguments of a call, one behind the other. */
const stringsOf = (args: string): Buffer => {
  const strings: Buffer[] = []
  for (const [, text = ''] of args.matchAll(/"((?:\\x[0-9a-f]{2})*)"/g)) strings.push(bytesOf(text))
  return Buffer.concat(strings)
}

const bytesOf = (text: string): Buffer =>
  text.startsWith('\\x') ? Buffer.from(text.replaceAll('\\x', ''), 'hex') : Buffer.from(text, 'latin1')

const lastNumber = (args: string): number => Number(args.slice(args.lastIndexOf(',') + 1))
