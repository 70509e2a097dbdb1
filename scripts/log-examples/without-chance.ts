/** Fixed values that replace those that differ from run to run. */
const firstTimeMs = Date.UTC(2026, 0, 5, 8)
const listenerPort = 1883
const firstClientPort = 50_001
const processId = 4711
const host = 'broker'

/**
 * Replaces what differs from run to run: times, the port of the listener, those of clients in the order in which they appear,
 * the process and the host.
 */
export const withoutChance = (lines: readonly string[], port: number): string[] => {
  const clientPorts = new Map<string, number>()
  const portFor = (found: string): number => {
    if (found === String(port)) return listenerPort
    if (!clientPorts.has(found)) clientPorts.set(found, firstClientPort + clientPorts.size)
    return clientPorts.get(found)!
  }
  return lines.map((line, index) => {
    const time = new Date(firstTimeMs + index * 1000)
    return line
      .replaceAll(/127\.0\.0\.1:(\d+)/g, (_, found: string) => `127.0.0.1:${portFor(found)}`)
      .replace(/"port":\d+/, `"port":${listenerPort}`)
      .replace(/"time":\d+/, `"time":${time.getTime()}`)
      .replace(/^\[[\d:.]+\]/, `[${time.toISOString().slice(11, 23)}]`)
      .replace(/"pid":\d+,"hostname":"[^"]*"/, `"pid":${processId},"hostname":"${host}"`)
  })
}
