/** The command line of `npm run resets`. */

import { parseArgs } from 'node:util'
import type { Command } from '../../bench/measurement.ts'
import { readNumber } from '../../bench/read-number.ts'
import { edits } from './edits.ts'
import type { StoreName } from './protocol.ts'

export interface ResetOptions {
  readonly mode: 'load' | 'adjust' | 'collect'
  readonly clients: number
  readonly resets: number
  /** Messages of all clients in a second. */
  readonly rate: number
  readonly stores: readonly StoreName[]
  /** Names of edits. */
  readonly edits: readonly string[]
  readonly seed: number
  /** Sessions of the run with `--adjust`. */
  readonly sessions: number
}

const options = {
  short: { type: 'boolean' },
  adjust: { type: 'boolean' },
  collect: { type: 'string' },
  clients: { type: 'string' },
  resets: { type: 'string' },
  rate: { type: 'string' },
  store: { type: 'string' },
  edit: { type: 'string', multiple: true },
  seed: { type: 'string' },
  sessions: { type: 'string' },
  help: { type: 'boolean' },
} as const

const help = `Usage: npm run resets -- [options]

Edits files and config values of a copy of this checkout, and resets its broker, while clients in other processes publish at QoS 0,
1 and 2 with MQTT 3.1, 3.1.1 and 5.0 over TCP, TLS and WebSocket. A third of the resets fails on purpose. No client may notice any
of them: a connection that ends, and a message that is lost or comes twice, is a fault.

  --clients N     clients, 54 to 20000 (1000)
  --resets N      resets for each store, 1 to 100000 (100)
  --rate N        messages of all clients in a second, 1 to 100000 (1000)
  --store NAME    memory, lmdb or both (both)
  --edit NAME     an edit; several with commas, and repeatable (all): ${edits.map(({ name }) => name).join(', ')}
  --seed N        the seed of the random edits and faults (random; it is printed)
  --short         100 clients, 12 resets, 300 messages a second
  --adjust        another run: config values change while sessions without sockets are connected
  --sessions N    with --adjust: how many, 1 to 1000000 (50000)
  --collect N     another run: N resets in a row without clients; the heap and the handles must not grow
  --help          print this and exit

Exit codes: 0 no fault, 1 a fault, 2 the command line is wrong.`

/** Never throws: a problem is returned as text. */
export const parseResetCommand = (args: readonly string[]): Command<ResetOptions> => {
  try {
    const { values } = parseArgs({ args: [...args], options })
    if (values.help === true) return { kind: 'help', text: help }
    if (values.adjust === true && values.collect !== undefined) {
      throw new Error('--adjust and --collect are runs of their own')
    }
    const short = values.short === true
    const [clients, resets, rate] = short ? [100, 12, 300] : [1_000, 100, 1_000]
    const whole = (
      name: 'clients' | 'resets' | 'rate' | 'collect' | 'sessions' | 'seed',
      standard: number,
      least: number,
      most: number,
    ) => readNumber(name, values[name], standard, { least, most, whole: true })
    const mode = values.adjust === true ? 'adjust' : values.collect === undefined ? 'load' : 'collect'
    return {
      kind: 'options',
      options: {
        mode,
        clients: whole('clients', clients, 54, 20_000),
        resets: mode === 'collect' ? whole('collect', 500, 1, 100_000) : whole('resets', resets, 1, 100_000),
        rate: whole('rate', rate, 1, 100_000),
        stores: storesOf(values.store ?? 'both'),
        edits: editsOf(values.edit ?? []),
        seed: whole('seed', Math.floor(Math.random() * 0xffff_ffff), 0, 0xffff_ffff),
        sessions: whole('sessions', 50_000, 1, 1_000_000),
      },
    }
  } catch (error) {
    return { kind: 'mistake', text: `${(error as Error).message}\nTry: npm run resets -- --help` }
  }
}

const storesOf = (name: string): readonly StoreName[] => {
  if (name === 'both') return ['memory', 'lmdb']
  if (name === 'memory' || name === 'lmdb') return [name]
  throw new Error(`--store must be memory, lmdb or both, not '${name}'`)
}

const editsOf = (lists: readonly string[]): readonly string[] => {
  const known = edits.map(({ name }) => name)
  const names = lists.flatMap((list) => list.split(',')).filter((name) => name !== '')
  const unknown = names.find((name) => !known.includes(name))
  if (unknown !== undefined) throw new Error(`there is no edit '${unknown}': there are ${known.join(', ')}`)
  return names.length === 0 ? known : names
}
