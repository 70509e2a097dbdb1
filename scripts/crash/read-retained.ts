import { connect } from 'node:net'
import { setTimeout as after } from 'node:timers/promises'
import { generate, parser } from 'mqtt-packet'

/** How long to wait before the next attempt, in milliseconds. */
const RETRY_MS = 20

/**
 * Reads the retained message of a topic with a client of its own. A lost connection is no answer: the client connects again, since
 * the broker may be starting again. @returns undefined when none comes in time.
 */
export const readRetained = async (port: number, topic: string, patienceMs: number): Promise<string | undefined> => {
  const untilMs = performance.now() + patienceMs
  for (;;) {
    const leftMs = untilMs - performance.now()
    if (leftMs <= 0) return undefined
    const payload = await readOnce(port, topic, leftMs)
    if (payload !== undefined) return payload
    await after(RETRY_MS)
  }
}

/** With one connection. @returns undefined when it is lost, or the time is over. */
const readOnce = (port: number, topic: string, patienceMs: number): Promise<string | undefined> =>
  new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true })
    const end = (payload: string | undefined) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(payload)
    }
    const timer = setTimeout(end, patienceMs, undefined)
    const reader = parser({ protocolVersion: 4 })
    reader.on('packet', (packet) => {
      if (packet.cmd === 'connack') {
        socket.write(generate({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic, qos: 0 }] }))
      } else if (packet.cmd === 'publish' && packet.retain) end(packet.payload.toString())
    })
    socket.on('data', (bytes) => void reader.parse(bytes))
    // 'close' follows.
    socket.on('error', () => undefined)
    socket.once('close', () => end(undefined))
    const head = { cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, clientId: 'retained-reader' } as const
    socket.once('connect', () => socket.write(generate({ ...head, clean: true, keepalive: 0 })))
  })
