/** Results as a table for people. */

import { pairedRatios, spread } from '../statistics.ts'
import type { Contents } from './contents.ts'
import type { FanOutReport } from './measure-fan-out.ts'
import type { StartReport } from './measure-start.ts'
import type { ScanReport } from './programs/scan.ts'

/** A scan and a start, one right after the other. */
export interface Round {
  readonly scan: ScanReport
  readonly start: StartReport
  /** CPU time of other programs during the start, of one processor. */
  readonly othersShare: number | undefined
}

export interface StoreResult {
  readonly contents: Contents
  readonly rounds: readonly Round[]
  readonly fanOut: readonly FanOutReport[]
}

const mebibyte = 1024 ** 2

export const formatStoreResult = ({ contents, rounds, fanOut }: StoreResult): string => {
  const { rows, bytes } = rounds[0]!.scan
  const scans = rounds.map(({ scan }) => scan)
  const starts = rounds.map(({ start }) => start)
  const ratios = pairedRatios(
    starts.map(({ complete }) => complete.cpuMs),
    scans.map(({ cpuMs }) => cpuMs),
  )
  const memory = (of: (memory: NonNullable<StartReport['memory']>) => number) =>
    range(
      starts.map((start) => (start.memory === undefined ? Number.NaN : of(start.memory) / mebibyte)),
      0,
    )
  return [
    `A store of ${contents.sessions} sessions with ${contents.messages} messages each, and ${contents.retained} retained messages:`,
    `${rows} rows, ${(bytes / mebibyte).toFixed(0)} MiB of keys and values. Medians of ${rounds.length} rounds (lowest-highest).`,
    ...table([
      ['scan of the rows, CPU s', range(scans.map(({ cpuMs }) => cpuMs / 1000))],
      ['scan of the rows, s', range(scans.map(({ wallMs }) => wallMs / 1000))],
      ['a known session has its CONNACK, CPU s', range(starts.map(({ ready }) => ready.cpuMs / 1000))],
      ['a known session has its CONNACK, s', range(starts.map(({ ready }) => ready.wallMs / 1000))],
      ['all retained messages are restored, CPU s', range(starts.map(({ complete }) => complete.cpuMs / 1000))],
      ['all retained messages are restored, s', range(starts.map(({ complete }) => complete.wallMs / 1000))],
      ['this CPU time / that of the scan', range(ratios)],
      [
        'longest hold of the event loop after CONNACK, ms',
        range(
          starts.map(({ longestHoldMs }) => longestHoldMs),
          1,
        ),
      ],
      ['resident at most, MiB', memory(({ peak }) => peak)],
      ['resident at the end, MiB', memory(({ resident }) => resident)],
      ['  anonymous, MiB', memory(({ anonymous }) => anonymous)],
      ['  files, MiB', memory(({ file }) => file)],
      ['    the file of the store, MiB', memory(({ store }) => store)],
      ['other programs, CPU of one processor', range(rounds.map(({ othersShare }) => othersShare ?? Number.NaN))],
    ]),
    '',
    `One message at QoS 1 to ${contents.receivers} sessions that are away. Medians of ${fanOut.length} messages (lowest-highest).`,
    ...table([
      [
        'longest hold of the event loop, ms',
        range(
          fanOut.map(({ longestHoldMs }) => longestHoldMs),
          1,
        ),
      ],
      [
        'CPU of the main thread, ms',
        range(
          fanOut.map(({ cpuMs }) => cpuMs ?? Number.NaN),
          1,
        ),
      ],
      [
        'PUBLISH to PUBACK, ms',
        range(
          fanOut.map(({ ackMs }) => ackMs),
          1,
        ),
      ],
    ]),
    '',
  ].join('\n')
}

const table = (lines: readonly (readonly [name: string, value: string])[]): string[] => {
  const width = Math.max(...lines.map(([name]) => name.length))
  return lines.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`)
}

const range = (values: readonly number[], digits = 2): string => {
  const known = values.filter((value) => !Number.isNaN(value))
  if (known.length === 0) return '-'
  const { median, lowest, highest } = spread(known)
  return `${median.toFixed(digits)} (${lowest.toFixed(digits)}-${highest.toFixed(digits)})`
}
