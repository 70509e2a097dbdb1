import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import config from '../../memory.config.ts'
import type { SystemMap } from '../../src/system/define-system.ts'
import { createSystem } from '../../src/system/lifecycle.ts'

/** How long a line may take to be written, in milliseconds. */
const deadlineMs = 10_000

/** The clients' packets, as hex. */
const packets = {
  /** MQTT 5, Client Identifier `kitchen`, Keep Alive 60, a Will on `status/kitchen`, user `bob` with a password. */
  kitchen: connectPacket('05', 'c6', '003c', '00', [
    field('kitchen'),
    '00',
    field('status/kitchen'),
    field('gone'),
    field('bob'),
    field('pencil'),
  ]),
  /** MQTT 5, with a Will on a topic that the rules deny. */
  garage: connectPacket('05', '06', '003c', '00', [field('garage'), '00', field('alarm/garage'), field('gone')]),
  /** MQTT 3.1.1, Clean Session 1, Keep Alive 30. */
  bedroom: connectPacket('04', '02', '001e', '', [field('bedroom')]),
  camera: connectPacket('04', '02', '001e', '', [field('camera')]),
  /** The fixed header of a PUBLISH packet with a Remaining Length of 2,000,000. */
  tooLarge: '3080897a',
  disconnect: 'e000',
  tls: '16030100c8010000c40303',
}

/** Runs the broker for a day with one refused, one crashed, one taken over and one oversized client. */
export const playDay = async (format: 'pretty' | 'json'): Promise<{ lines: string[]; port: number }> => {
  const folder = mkdtempSync(join(tmpdir(), 'log-examples-'))
  const destination = join(folder, 'broker.log')
  const system = createSystem(systemWith(format, destination))
  try {
    await system.start()
    const { port } = (system.map as SystemMap<typeof config>).server
    const day = new Day(port, destination)
    await play(day)
    await system.stop()
    return { lines: day.lines(), port }
  } finally {
    await system.stop()
    rmSync(folder, { recursive: true })
  }
}

const play = async (day: Day): Promise<void> => {
  const kitchen = await day.client(packets.kitchen, 'Client connected: kitchen')
  await day.client(packets.garage, 'Client refused: garage')
  kitchen.resetAndDestroy()
  await day.logged('Client disconnected: kitchen')
  await day.client(packets.bedroom, 'Client connected: bedroom')
  const second = await day.client(packets.bedroom, 'Client disconnected: bedroom')
  const camera = await day.client(packets.camera, 'Client connected: camera')
  camera.write(Buffer.from(packets.tooLarge, 'hex'))
  await day.logged('Client disconnected: camera')
  await day.client(packets.tls, 'Connection refused')
  second.write(Buffer.from(packets.disconnect, 'hex'))
  await day.logged('client sent DISCONNECT')
}

const systemWith = (format: 'pretty' | 'json', destination: string) => ({
  ...config,
  logger: { ...config.logger, config: { level: 'info', format, destination } },
  mqttDecoder: { ...config.mqttDecoder, config: { maximumPacketSize: 1_048_576 } },
  topicRules: {
    ...config.topicRules,
    enabled: true,
    config: { rules: [{ action: 'publish', filter: 'alarm/#', allow: false }], default: 'allow' },
  },
  server: { ...config.server, config: { host: '127.0.0.1', port: 0, maximumConnections: 100 } },
})

/** The clients of one run, and the log that it writes. */
class Day {
  readonly #port: number
  readonly #log: string

  constructor(port: number, log: string) {
    this.#port = port
    this.#log = log
  }

  lines(): string[] {
    return readFileSync(this.#log, 'utf8').trimEnd().split('\n')
  }

  /** Connects, sends a packet, and waits for the line that it causes, so that lines are in order. */
  async client(hex: string, text: string): Promise<Socket> {
    const socket = connect({ host: '127.0.0.1', port: this.#port, noDelay: true })
    socket.on('error', () => undefined).resume()
    await once(socket, 'connect')
    socket.write(Buffer.from(hex, 'hex'))
    await this.logged(text)
    return socket
  }

  /** Waits until the log has a line with this text. */
  async logged(text: string): Promise<void> {
    const since = performance.now()
    while (!this.lines().some((line) => line.includes(text))) {
      if (performance.now() - since > deadlineMs) throw new Error(`the broker has not logged '${text}'`)
      await sleep(5)
    }
  }
}

/** A CONNECT packet of less than 128 bytes. @param properties of MQTT 5, with their length. */
function connectPacket(level: string, flags: string, keepAlive: string, properties: string, payload: string[]): string {
  const body = [field('MQTT'), level, flags, keepAlive, properties, ...payload].join('')
  return `10${(body.length / 2).toString(16).padStart(2, '0')}${body}`
}

/** A UTF-8 Encoded String. */
function field(text: string): string {
  const bytes = Buffer.from(text)
  return bytes.length.toString(16).padStart(4, '0') + bytes.toString('hex')
}
