/** CPU time and memory of another process, and of the whole machine, from /proc. */

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** What a process has used since its start, and holds now. */
export interface ProcessUsage {
  /** CPU time in its own code, all threads, in milliseconds; the system counts in ticks, mostly of 10 ms. */
  readonly userMs: number
  /** CPU time in the kernel on its behalf, in milliseconds. */
  readonly systemMs: number
  /** Resident memory, in bytes. */
  readonly rssBytes: number
}

/** @returns undefined where there is no /proc, or no such process. */
export const readProcessUsage = (pid: number): ProcessUsage | undefined => {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1')
    return parseProcessUsage(readFileSync(`/proc/${pid}/stat`, 'latin1'), status, ticksPerSecond())
  } catch {
    return undefined
  }
}

/** @param stat of /proc/PID/stat. @param status of /proc/PID/status. */
export const parseProcessUsage = (stat: string, status: string, ticks: number): ProcessUsage => {
  // The name of the program, in parentheses, may hold anything; what follows starts with the third field.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const toMs = (field: number) => (Number(fields[field - 3]) * 1000) / ticks
  const rss = /^VmRSS:\s+(\d+) kB$/m.exec(status)
  return { userMs: toMs(14), systemMs: toMs(15), rssBytes: Number(rss?.[1] ?? Number.NaN) * 1024 }
}

/** CPU time used by everything on this machine since it started, in milliseconds; undefined where there is no /proc. */
export const readMachineCpuMs = (): number | undefined => {
  try {
    return parseMachineCpuMs(readFileSync('/proc/stat', 'latin1'), ticksPerSecond())
  } catch {
    return undefined
  }
}

/** @param stat of /proc/stat. */
export const parseMachineCpuMs = (stat: string, ticks: number): number => {
  // user, nice, system, idle, iowait, irq, softirq, steal; what follows is part of the first two.
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = stat
    .slice(0, stat.indexOf('\n'))
    .split(/\s+/)
    .slice(1)
    .map(Number)
  return ((user + nice + system + irq + softirq + steal) * 1000) / ticks
}

let ticks: number | undefined

/** Ticks of the clock that CPU time is counted in. */
const ticksPerSecond = (): number => {
  ticks ??= Number(spawnSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }).stdout) || 100
  return ticks
}
