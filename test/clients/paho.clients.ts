/** Eclipse Paho's clients for C, Go and Python, as Debian has them, on every listener. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { endPrograms, run } from '../smoke/program.ts'
import { describeClient, PYTHON, requirements } from './requirements.ts'
import { type ListenerName, SecuredBroker, USER } from './secured-broker.ts'

const programs = join(import.meta.dirname, 'programs')
let broker: SecuredBroker
let folder: string
beforeAll(async () => {
  broker = await SecuredBroker.start()
  folder = mkdtempSync(join(tmpdir(), 'mqtt-jig-paho-'))
})
afterAll(async () => {
  await endPrograms()
  await broker?.stop()
  if (folder !== undefined) rmSync(folder, { recursive: true })
})

/** Runs a program until it ends. @returns its lines. */
const linesOf = async (command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string[]> => {
  const program = run(command, args, { env: { ...process.env, ...env } })
  const code = await program.ended
  expect({ code, lines: program.lines }).toEqual({ code: 0, lines: program.lines })
  return [...program.lines]
}

/** How one of the programs is run. */
interface Client {
  readonly name: string
  readonly command: () => readonly [string, ...string[]]
  readonly schemes: { readonly tcp: string; readonly tls: string }
  readonly versions: readonly string[]
  /** What it prints when the password is wrong, by version. */
  readonly refused: Readonly<Record<string, string>>
}

const tlsFiles = (listener: ListenerName): string[] => {
  const { ca, cert, key } = broker.clientFiles
  if (listener === 'mutualTls') return [ca, cert, key]
  return listener === 'tls' || listener === 'wss' ? [ca] : []
}

const start = (client: Client, clientId: string, listener: ListenerName, version: string, password: string) => {
  const [command, ...first] = client.command()
  const url = broker.url(listener, client.schemes)
  return linesOf(command, [...first, url, clientId, USER.name, password, version, ...tlsFiles(listener)])
}

const testClient = (client: Client): void => {
  const listeners: readonly ListenerName[] = ['tcp', 'tls', 'mutualTls', 'ws', 'wss']
  const cases = client.versions.flatMap((version) => listeners.map((listener) => ({ listener, version })))
  test.each(cases)('publishes and receives over $listener, version $version', async ({ listener, version }) => {
    const id = `${client.name}-${listener}-${version}`
    const lines = await start(client, id, listener, version, USER.password)
    expect(lines).toEqual([0, 1, 2].map((qos) => `got clients/${id} ${qos} at ${qos}`))
    expect(broker.linesAbout(id)[0]).toContain(`user ${USER.name}`)
  })

  test.each(client.versions)('is told that its password is wrong, version %s', async (version) => {
    const lines = await start(client, `${client.name}-wrong-${version}`, 'tls', version, 'wrong')
    expect(lines).toEqual([client.refused[version]])
  })
}

describeClient('Paho C', [requirements.compiler, requirements.pahoC], () => {
  const program = () => join(folder, 'client')
  beforeAll(() => linesOf('gcc', ['-Wall', join(programs, 'client.c'), '-o', program(), '-lpaho-mqtt3cs']))
  testClient({
    name: 'paho-c',
    command: () => [program()],
    schemes: { tcp: 'tcp', tls: 'ssl' },
    versions: ['4', '5'],
    refused: { '4': 'refused 4', '5': `refused ${0x86}` },
  })
})

describeClient('Paho Go', [requirements.go, requirements.pahoGo], () => {
  const program = () => join(folder, 'go-client')
  beforeAll(() =>
    linesOf('go', ['build', '-o', program(), join(programs, 'client.go')], {
      GO111MODULE: 'off',
      GOPATH: '/usr/share/gocode',
      GOCACHE: join(folder, 'go-cache'),
      GOFLAGS: '',
    }),
  )
  testClient({
    name: 'paho-go',
    command: () => [program()],
    schemes: { tcp: 'tcp', tls: 'ssl' },
    versions: ['3', '4'],
    refused: { '3': 'refused Bad user name or password', '4': 'refused Bad user name or password' },
  })
})

describeClient('Paho Python', [requirements.pahoPython], () => {
  testClient({
    name: 'paho-python',
    command: () => [PYTHON, join(programs, 'client.py')],
    schemes: { tcp: 'tcp', tls: 'ssl' },
    versions: ['3', '4', '5'],
    refused: { '3': 'refused 4', '4': 'refused 4', '5': `refused ${0x86}` },
  })
})
