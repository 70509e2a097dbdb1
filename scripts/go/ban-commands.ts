/** The commands about addresses that are banned. */

import type { Ban } from '../../src/kinds/listener.ts'
import type { Dev } from '../../src/system/dev.ts'
import { type Command, shownAs, UsageError } from './command.ts'
import { counted, duration } from './quantities.ts'
import { listenersOf } from './running.ts'
import { type Cell, table } from './table.ts'

/** How long `ban` without a time bans, in seconds. */
const usualSeconds = 3_600

export const banCommands = (dev: Dev): Readonly<Record<string, Command>> => ({
  bans: {
    usage: 'bans()',
    help: 'the addresses from which no connection is taken now',
    call: () => bans(dev),
  },
  ban: {
    usage: "ban('192.0.2.7')",
    help: 'takes no connection from an address for an hour',
    more: [
      "ban('192.0.2.7', 60)  for 60 seconds",
      'Clients that are connected stay connected: disconnect() ends one. An IPv6 address stands for its /64 network.',
    ],
    call: (address?: unknown, seconds: unknown = usualSeconds) => ban(dev, address, seconds),
  },
  unban: {
    usage: "unban('192.0.2.7')",
    help: 'ends the ban of an address',
    call: (address?: unknown) => unban(dev, address),
  },
})

const bans = (dev: Dev): Ban[] => {
  // Several listeners may ban the same address.
  const list = listenersOf(dev).flatMap((listener) => listener.bans())
  return shownAs(list, (colors) => bansText(list, Date.now(), colors))
}

const bansText = (list: readonly Ban[], nowMs: number, colors: boolean): string => {
  if (list.length === 0) return 'No address is banned.'
  const rows = list.map(({ address, untilMs, byOperator }): Cell[] => [
    { text: address, style: 'cyan' },
    duration(untilMs - nowMs),
    byOperator ? 'an operator' : 'failed authentications',
  ])
  return [...table(rows, colors, ['address', 'for', 'because of']), counted(list.length, 'ban')].join('\n')
}

const ban = (dev: Dev, address: unknown, seconds: unknown): object => {
  if (typeof address !== 'string' || typeof seconds !== 'number') {
    throw new UsageError("ban takes an address and seconds: ban('192.0.2.7', 60)")
  }
  const listeners = running(dev)
  explained(() => {
    for (const listener of listeners) listener.ban(address, seconds)
  })
  return shownAs({}, `No connection is taken from ${address} for ${duration(seconds * 1_000)}.`)
}

const unban = (dev: Dev, address: unknown): object => {
  if (typeof address !== 'string') throw new UsageError("unban takes an address: unban('192.0.2.7')")
  const listeners = running(dev)
  const wasBanned = explained(() => listeners.map((listener) => listener.unban(address)).includes(true))
  return shownAs({ wasBanned }, wasBanned ? `The ban of ${address} has ended.` : `${address} was not banned.`)
}

const running = (dev: Dev) => {
  const listeners = listenersOf(dev)
  if (listeners.length > 0) return listeners
  throw new UsageError('nothing listens: go() starts the system')
}

/** What a listener says about a wrong address or time is all there is to say. */
const explained = <T>(action: () => T): T => {
  try {
    return action()
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) throw new UsageError(error.message, { cause: error })
    throw error
  }
}
