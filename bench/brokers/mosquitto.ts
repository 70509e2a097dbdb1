import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type CertificateFiles, certificateFiles } from '../certificate-files.ts'
import { removeTemporaryDirectory, temporaryDirectory } from '../temporary.ts'
import type { TransportName } from '../transport.ts'
import type { Broker, RunningBroker } from './broker.ts'
import { Child } from './child.ts'
import { answers, onFreePort } from './free-port.ts'

/** Debian installs it in a folder that is not in the PATH of ordinary users. */
const commands = ['mosquitto', '/usr/sbin/mosquitto', '/usr/local/sbin/mosquitto']

/** @returns undefined when it is not installed. */
export const findMosquitto = (): Broker | undefined => {
  for (const command of commands) {
    const { stdout, error } = spawnSync(command, ['-h'], { encoding: 'utf8' })
    if (error === undefined) {
      const description = stdout.split('\n')[0]!.replace(' version', '')
      return {
        name: 'mosquitto',
        description,
        lacks: ({ transport = 'tcp' }) =>
          transport.startsWith('ws') && !hasWebSocket(command) ? noWebSocket : undefined,
        start: ({ transport = 'tcp' }) => onFreePort((port) => startOn(command, port, transport)),
      }
    }
  }
  return undefined
}

const noWebSocket = 'is built without WebSocket here'

/** Whether it is linked with libwebsockets; that of Debian is not. */
const hasWebSocket = (command: string): boolean => {
  const path = command.includes('/') ? command : spawnSync('which', [command], { encoding: 'utf8' }).stdout.trim()
  return spawnSync('ldd', [path], { encoding: 'utf8' }).stdout.includes('libwebsockets')
}

/** No limits that drop messages, no persistence, and only errors are logged. */
const configFor = (port: number, transport: TransportName, files: CertificateFiles): string =>
  [
    `listener ${port} 127.0.0.1`,
    ...(transport.startsWith('ws') ? ['protocol websockets'] : []),
    ...(transport === 'tls' || transport === 'wss' ? [`certfile ${files.cert}`, `keyfile ${files.key}`] : []),
    'allow_anonymous true',
    'persistence false',
    'set_tcp_nodelay true',
    'max_queued_messages 0',
    'max_inflight_messages 0',
    'log_type error',
    'log_dest stderr',
    '',
  ].join('\n')

const startOn = async (command: string, port: number, transport: TransportName): Promise<RunningBroker> => {
  const directory = temporaryDirectory()
  const file = join(directory, 'mosquitto.conf')
  writeFileSync(file, configFor(port, transport, await certificateFiles(directory)))
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
