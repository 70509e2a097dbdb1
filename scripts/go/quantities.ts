/** Durations, sizes and times in a form for people. */

/** `12 ms`, with a decimal below 10. */
export const milliseconds = (value: number): string => `${value.toFixed(value < 9.95 ? 1 : 0)} ms`

/** `3 min 12 s`: the two largest units. @param ms in milliseconds. */
export const duration = (ms: number): string => {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  const parts: [number, string][] = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ]
  const first = parts.findIndex(([value]) => value > 0)
  if (first < 0) return '0 s'
  const shown = parts.slice(first, first + 2).filter(([value]) => value > 0)
  return shown.map(([value, unit]) => `${value} ${unit}`).join(' ')
}

const sizes = ['B', 'KiB', 'MiB', 'GiB', 'TiB']

/** `12.5 MiB` */
export const byteSize = (bytes: number): string => {
  let value = bytes
  let size = 0
  while (value >= 1024 && size < sizes.length - 1) {
    value /= 1024
    size += 1
  }
  return `${size > 0 && value < 100 ? value.toFixed(1) : Math.round(value)} ${sizes[size]}`
}

/** `1 client`, `2 clients`. */
export const counted = (count: number, noun: string, plural = `${noun}s`): string =>
  `${count.toLocaleString('en')} ${count === 1 ? noun : plural}`
