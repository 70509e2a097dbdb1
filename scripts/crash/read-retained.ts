import { connect } from 'node:net'
import { generate, parser } from 'mqtt-packet'

/** Reads the retained message of a topic with a client of its own. @returns undefined when none comes in time. */
export const readRetained = (port: number, topic: string, patienceMs: number): Promise<string | undefined> =>
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
    socket.on('error', () => end(undefined))
    const head = { cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, clientId: 'retained-reader' } as const
    socket.once('connect', () => socket.write(generate({ ...head, clean: true, keepalive: 0 })))
  })
