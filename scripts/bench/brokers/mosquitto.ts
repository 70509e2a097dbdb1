import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { join } from 'node:path'
import { removeTemporaryDirectory, temporaryDirectory } from '../temporary.ts'
import type { Broker, RunningBroker } from './broker.ts'
import { Child } from './child.ts'

/** Debian installs it where the PATH of ordinary users does not lead. */
const commands = ['mosquitto', '/usr/sbin/mosquitto', '/usr/local/sbin/mosquitto']

/** How often another port is tried when somebody took the free one in the meantime. */
const attempts = 3

/** @returns undefined when it is not installed. */
export const findMosquitto = (): Broker | undefined => {
  for (const command of commands) {
    const { stdout, error } = spawnSync(command, ['-h'], { encoding: 'utf8' })
    if (error === undefined) {
      const description = stdout.split('\n')[0]!.replace(' version', '')
      return { name: 'mosquitto', description, lacks: () => undefined, start: () => start(command) }
    }
  }
  return undefined
}

/** Nothing is limited that would throw a message of a benchmark away, nothing is stored, and only errors are logged. */
const configFor = (port: number): string =>
  [
    `listener ${port} 127.0.0.1`,
    'allow_anonymous true',
    'persistence false',
    'set_tcp_nodelay true',
    'max_queued_messages 0',
    'max_inflight_messages 0',
    'log_type error',
    'log_dest stderr',
    '',
  ].join('\n')

const start = async (command: string): Promise<RunningBroker> => {
  for (let attempt = 1; ; attempt++) {
    try {
      return await startOn(command, await freePort())
    } catch (error) {
      if (attempt === attempts) throw error
    }
  }
}

const startOn = async (command: string, port: number): Promise<RunningBroker> => {
  const directory = temporaryDirectory()
  const file = join(directory, 'mosquitto.conf')
  writeFileSync(file, configFor(port))
  const child = new Child('mosquitto', command, ['-c', file])
  try {
    await child.until(() => answers(port))
  } catch (error) {
    await child.stop()
    removeTemporaryDirectory(directory)
    throw error
  }
  return {
    pid: child.process.pid!,
    port,
    output: () => child.output,
    crash: () => child.crash,
    stop: async () => {
      await child.stop()
      removeTemporaryDirectory(directory)
    },
  }
}

/** A port that nobody listens on now. Mosquitto can neither choose one nor say which it has. */
const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

const answers = (port: number): Promise<true | undefined> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(undefined))
    socket.once('connect', () => socket.destroy())
  })
