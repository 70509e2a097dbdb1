/** Numbers and times as the dashboard shows them: always with a unit. */

const count = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })

/** `12,345` */
export const formatCount = (value: number): string => count.format(value)

/** `1 client`, `12,345 clients` */
export const formatPlural = (value: number, one: string, many = `${one}s`): string =>
  `${formatCount(value)} ${value === 1 ? one : many}`

/** Three digits that count: `0`, `0.25`, `4.5`, `73`, `12,345`. */
export const formatNumber = (value: number): string => {
  if (value >= 100 || Number.isInteger(value)) return formatCount(value)
  return value.toFixed(value >= 10 ? 1 : 2).replace(/\.?0+$/, '')
}

/** `482/s`, `12.3 k/s` */
export const formatRate = (perSecond: number): string => `${formatScaled(perSecond)}/s`

/** `482`, `12.3 k`, `1.2 M` */
export const formatScaled = (value: number): string => {
  if (value < 10_000) return formatNumber(value)
  return value < 1e6 ? `${formatNumber(value / 1e3)} k` : `${formatNumber(value / 1e6)} M`
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const

/** `512 B`, `1.5 MiB` */
export const formatBytes = (bytes: number): string => {
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024
    unit++
  }
  return `${formatNumber(value)} ${UNITS[unit]}`
}

/** `0.35 ms`, `1.2 s` */
export const formatMilliseconds = (milliseconds: number): string =>
  milliseconds >= 1000 ? `${formatNumber(milliseconds / 1000)} s` : `${formatNumber(milliseconds)} ms`

const NEVER_SECONDS = 0xffffffff

/** The two largest parts: `42 s`, `5 min 3 s`, `2 h 10 min`, `12 d 4 h`. The value 0xffffffff of MQTT is `never`. */
export const formatDuration = (seconds: number): string => {
  if (seconds === NEVER_SECONDS) return 'never'
  const whole = Math.max(0, Math.floor(seconds))
  if (whole < 60) return `${whole} s`
  if (whole < 3_600) return twoParts(whole, 60, 'min', 1, 's')
  if (whole < 86_400) return twoParts(whole, 3_600, 'h', 60, 'min')
  return twoParts(whole, 86_400, 'd', 3_600, 'h')
}

const twoParts = (seconds: number, large: number, largeUnit: string, small: number, smallUnit: string): string => {
  const rest = Math.floor((seconds % large) / small)
  const first = `${Math.floor(seconds / large)} ${largeUnit}`
  return rest === 0 ? first : `${first} ${rest} ${smallUnit}`
}

const twoDigits = (value: number): string => `${value}`.padStart(2, '0')

/** The time of day: `14:03:59`. */
export const formatTime = (timeMs: number): string => {
  const date = new Date(timeMs)
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map(twoDigits).join(':')
}

/** `2026-11-25 14:03:59` */
export const formatDateTime = (timeMs: number): string => {
  const date = new Date(timeMs)
  const day = [`${date.getFullYear()}`, twoDigits(date.getMonth() + 1), twoDigits(date.getDate())].join('-')
  return `${day} ${formatTime(timeMs)}`
}

const VERSIONS: Readonly<Record<string, string>> = { 3: '3.1', 4: '3.1.1', 5: '5.0' }

/** The version of MQTT: `3.1.1` for the protocol level 4. */
export const formatVersion = (version: number | string): string => VERSIONS[version] ?? `${version}`
