import { z } from 'zod'

export const tracerConfig = z.strictObject({
  maximumTraces: z.int().min(1).max(100).default(10).describe('Traces that run or are kept.'),
  maximumSeconds: z.int().min(1).max(86_400).default(3_600).describe('The longest time for which a trace may run.'),
  defaultSeconds: z.int().min(1).max(86_400).default(300).describe('For how long a trace runs unless told otherwise.'),
  maximumLines: z.int().min(1).max(100_000).default(5_000).describe('The most lines that a trace keeps.'),
  defaultLines: z.int().min(1).max(100_000).default(1_000).describe('Lines that a trace keeps unless told otherwise.'),
  maximumBytes: z
    .int()
    .min(1_024)
    .max(1_073_741_824)
    .default(4_194_304)
    .describe('Memory of the lines of a trace, about. The oldest go first.'),
  maximumLinesPerSecond: z
    .int()
    .min(1)
    .max(100_000)
    .default(1_000)
    .describe('Lines of a trace in a second. Further packets are counted as missed.'),
  maximumPayloadBytes: z
    .int()
    .min(0)
    .max(65_536)
    .default(256)
    .describe('Bytes of a payload that a line has, if the trace was asked for payloads.'),
})

export type TracerConfig = z.output<typeof tracerConfig>
